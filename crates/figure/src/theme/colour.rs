//! Colours: parsing, contrast, mixing, and how people with a colour-vision deficiency see them.

use std::fmt;

/// An sRGB colour, 8 bits a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

/// The two common colour-vision deficiencies, at full severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deficiency {
    Deuteranopia,
    Protanopia,
}

impl Rgb {
    /// Reads `#rrggbb`; `None` for anything else.
    pub const fn parse(hex: &str) -> Option<Self> {
        let bytes = hex.as_bytes();
        if bytes.len() != 7 || bytes[0] != b'#' {
            return None;
        }
        let mut out = [0_u8; 3];
        let mut i = 0;
        while i < 3 {
            let (Some(high), Some(low)) = (digit(bytes[1 + 2 * i]), digit(bytes[2 + 2 * i])) else {
                return None;
            };
            out[i] = high * 16 + low;
            i += 1;
        }
        Some(Self(out))
    }

    /// Relative luminance of WCAG 2.2, in 0..=1.
    pub fn luminance(self) -> f64 {
        let [r, g, b] = self.linear();
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// Contrast ratio of WCAG 2.2, in 1..=21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Distance in OKLab; 0.02 is about the least difference that one notices between neighbours.
    pub fn distance(self, other: Self) -> f64 {
        let (a, b) = (oklab(self.linear()), oklab(other.linear()));
        a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
    }

    /// The colour as a person with the deficiency sees it (Machado, Oliveira and Fernandes 2009, severity 1).
    pub fn seen_with(self, deficiency: Deficiency) -> Self {
        let m = match deficiency {
            Deficiency::Deuteranopia => {
                [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]]
            }
            Deficiency::Protanopia => {
                [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]]
            }
        };
        let v = self.linear();
        Self::from_linear(m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2]))
    }

    /// The colour `share` of the way to `other`, mixed in OKLab.
    pub fn mix(self, other: Self, share: f64) -> Self {
        let (a, b) = (oklab(self.linear()), oklab(other.linear()));
        let t = share.clamp(0.0, 1.0);
        Self::from_oklab([0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t))
    }

    /// The nearest sRGB colour to an OKLCH one (lightness 0..=1, chroma, hue in degrees).
    pub fn from_oklch(lightness: f64, chroma: f64, hue: f64) -> Self {
        let (sin, cos) = hue.to_radians().sin_cos();
        Self::from_oklab([lightness, chroma * cos, chroma * sin])
    }

    pub(crate) fn linear(self) -> [f64; 3] {
        self.0.map(|v| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        })
    }

    pub(crate) fn from_linear(linear: [f64; 3]) -> Self {
        Self(linear.map(|v| {
            let v = v.clamp(0.0, 1.0);
            let v = if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
            (v * 255.0).round() as u8
        }))
    }

    fn from_oklab([lightness, a, b]: [f64; 3]) -> Self {
        let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
        Self::from_linear([
            4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
            -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
            -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
        ])
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// OKLab of Ottosson 2020, from linear sRGB.
fn oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints() {
        let colour = Rgb::parse("#0072b2").unwrap();
        assert_eq!(colour.0, [0, 0x72, 0xb2]);
        assert_eq!(colour.to_string(), "#0072b2");
        assert_eq!(Rgb::parse("#0072b"), None);
        assert_eq!(Rgb::parse("#0072bg"), None);
    }

    #[test]
    fn contrast_of_black_on_white_is_21() {
        let (black, white) = (Rgb([0; 3]), Rgb([255; 3]));
        assert!((black.contrast(white) - 21.0).abs() < 1e-9);
        assert!((white.contrast(white) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn mixing_keeps_the_ends() {
        let (a, b) = (Rgb([0, 114, 178]), Rgb([200, 82, 10]));
        assert_eq!(a.mix(b, 0.0), a);
        assert_eq!(a.mix(b, 1.0), b);
        assert_ne!(a.mix(b, 0.5), a);
    }

    #[test]
    fn grey_stays_grey_with_a_deficiency() {
        for deficiency in [Deficiency::Deuteranopia, Deficiency::Protanopia] {
            assert_eq!(Rgb([128; 3]).seen_with(deficiency), Rgb([128; 3]));
        }
    }
}
