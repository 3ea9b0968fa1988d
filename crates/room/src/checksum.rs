use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// FNV-1a, 64 bits, over the canonical encoding of a [`Document`](crate::Document); 16 lower-case hexadecimal digits in
/// JSON. It finds accidents, not attackers: the server alone decides what a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Checksum(pub u64);

impl Checksum {
    /// The checksum of these bytes. Offset basis and prime are those of Fowler, Noll and Vo.
    pub fn of(bytes: &[u8]) -> Checksum {
        Checksum(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)))
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Checksum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Checksum, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hexadecimal = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !hexadecimal {
            return Err(de::Error::custom("a checksum has 16 hexadecimal digits"));
        }
        u64::from_str_radix(&text, 16).map(Checksum).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_published_vectors() {
        assert_eq!(Checksum::of(b"").to_string(), "cbf29ce484222325");
        assert_eq!(Checksum::of(b"a").to_string(), "af63dc4c8601ec8c");
        assert_eq!(Checksum::of(b"foobar").to_string(), "85944171f73967e8");
    }

    #[test]
    fn travels_as_sixteen_digits() {
        let sum = Checksum(0xab);
        let text = serde_json::to_string(&sum).expect("JSON");
        assert_eq!(text, "\"00000000000000ab\"");
        assert_eq!(serde_json::from_str::<Checksum>(&text).expect("a checksum"), sum);
        for wrong in ["\"ab\"", "\"+0000000000000ab\"", "171"] {
            assert!(serde_json::from_str::<Checksum>(wrong).is_err());
        }
    }
}
