//! What travels between the browser and the server functions, and in the page for the browser to start with: postcard.
//!
//! It has no names of members, so the code that reads it is a third of what reads JSON; in the browser's WebAssembly that is a
//! twentieth of the whole. Both ends are of one build, so nothing else has to understand it.

use bytes::Bytes;
use codee::{Decoder, Encoder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use server_fn::codec::Post;
use server_fn::{ContentType, Decodes, Encodes, Format, FormatType};

/// The encoding of answers.
pub type Compact = Post<CompactBytes>;

#[derive(Debug)]
pub struct CompactBytes;

impl ContentType for CompactBytes {
    const CONTENT_TYPE: &'static str = "application/octet-stream";
}

impl FormatType for CompactBytes {
    const FORMAT_TYPE: Format = Format::Binary;
}

impl<T: Serialize> Encodes<T> for CompactBytes {
    type Error = postcard::Error;

    fn encode(value: &T) -> Result<Bytes, Self::Error> {
        postcard::to_allocvec(value).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for CompactBytes {
    type Error = postcard::Error;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        postcard::from_bytes(&bytes)
    }
}

impl<T: Serialize> Encoder<T> for CompactBytes {
    type Error = postcard::Error;
    type Encoded = Vec<u8>;

    fn encode(value: &T) -> Result<Vec<u8>, Self::Error> {
        postcard::to_allocvec(value)
    }
}

impl<T: DeserializeOwned> Decoder<T> for CompactBytes {
    type Error = postcard::Error;
    type Encoded = [u8];

    fn decode(bytes: &[u8]) -> Result<T, Self::Error> {
        postcard::from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Cell, Entity, Kind};

    #[test]
    fn a_cell_comes_back_in_either_form() {
        let cells = [
            Cell::text("a"),
            Cell::number(0.5, "0.5"),
            Cell { spark: vec![1, 2], warn: true, ..Cell::link("b", Entity::new(Kind::Run, 7)) },
        ];
        for cell in cells {
            let bytes = postcard::to_allocvec(&cell).expect("bytes");
            assert_eq!(postcard::from_bytes::<Cell>(&bytes).expect("a cell"), cell);
            let json = serde_json::to_string(&cell).expect("JSON");
            assert_eq!(serde_json::from_str::<Cell>(&json).expect("a cell"), cell);
        }
        assert_eq!(serde_json::to_string(&Cell::text("a")).expect("JSON"), r#"{"text":"a"}"#);
    }
}
