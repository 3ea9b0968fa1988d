//! A picture of the data as a WebP image with a palette, shown as an image layer under exact axes.

mod huffman;
mod webp;

pub use webp::LONGEST_SIDE;

use crate::axis::{Axis, Window};
use crate::extend::{self, Image};
use serde_json::Value;

/// The media type of [`Raster::image`].
pub const MEDIA_TYPE: &str = "image/webp";

/// An image with at most 255 colours besides the transparent one, and the part of the plot that it covers.
#[derive(Clone, Debug, PartialEq)]
pub struct Raster {
    /// In WebP's lossless format.
    pub image: Vec<u8>,
    /// What the image covers, in axis units; exact to the edges of its outer pixels.
    pub extents: Window,
    /// Pixels.
    pub width: u32,
    pub height: u32,
    /// XXH3 (128 bits, hex) of the image, for URLs that may be cached for ever.
    pub hash: String,
    /// Where the image is to be had: a URL or a data URI; set by [`crate::Drawing::set_raster_source`].
    pub source: Option<String>,
}

/// Why a raster could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodingError {
    #[error("a palette of {0} colours does not fit one byte a pixel")]
    Palette(usize),
    #[error("{pixels} pixels do not fill {width} × {height}, or a side is longer than {}", LONGEST_SIDE)]
    Size { pixels: usize, width: u32, height: u32 },
    #[error("pixel {at} has colour {code} of a palette of {colours}")]
    Pixel { at: usize, code: u8, colours: usize },
}

impl Raster {
    /// Encodes palette indices, top row first. `palette` is RGBA.
    ///
    /// # Errors
    /// When a side is zero or longer than 16,384, the pixels do not fill the size, the palette has no or more than 256 entries, or a pixel
    /// is beyond it.
    pub fn encode(pixels: &[u8], width: u32, height: u32, palette: &[[u8; 4]], extents: Window) -> Result<Self, EncodingError> {
        if palette.is_empty() || palette.len() > 256 {
            return Err(EncodingError::Palette(palette.len()));
        }
        let fits = pixels.len() as u64 == u64::from(width) * u64::from(height);
        if !fits || pixels.is_empty() || width.max(height) > LONGEST_SIDE {
            return Err(EncodingError::Size { pixels: pixels.len(), width, height });
        }
        if pixels.iter().fold(0, |most, code| most.max(*code)) as usize >= palette.len() {
            let at = pixels.iter().position(|&code| usize::from(code) >= palette.len()).unwrap_or(0);
            return Err(EncodingError::Pixel { at, code: pixels[at], colours: palette.len() });
        }
        let image = webp::encode(pixels, width as usize, palette);
        let hash = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&image));
        Ok(Self { image, extents, width, height, hash, source: None })
    }

    /// The image as a data URI.
    pub fn data_uri(&self) -> String {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        format!("data:{MEDIA_TYPE};base64,{}", STANDARD.encode(&self.image))
    }

    /// The image layer of a layout, its source still empty.
    pub(crate) fn layer(&self, x: &Axis, y: &Axis) -> Value {
        let [x0, x1] = self.extents.x;
        let [y0, y1] = self.extents.y;
        // A date axis has its position as a string but its size in ms; the others use axis units for both.
        Value::Object(extend::object(&Image {
            source: String::new(),
            xref: "x",
            yref: "y",
            x: x.layout_value(x0),
            y: y.layout_value(y1),
            sizex: x1 - x0,
            sizey: y1 - y0,
            xanchor: "left",
            yanchor: "top",
            sizing: "stretch",
            layer: "above",
            opacity: 1.0,
        }))
    }
}

/// The pixels of an image as RGBA, top row first.
#[cfg(test)]
pub(crate) fn decode(image: &[u8]) -> Vec<[u8; 4]> {
    let mut decoder = image_webp::WebPDecoder::new(std::io::Cursor::new(image)).unwrap();
    assert!(decoder.has_alpha());
    let mut out = vec![0; decoder.output_buffer_size().unwrap()];
    decoder.read_image(&mut out).unwrap();
    out.as_chunks::<4>().0.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::AxisKind;

    const EXTENTS: Window = Window { x: [0.0, 2.0], y: [0.0, 1.0] };

    #[test]
    fn encodes_what_it_was_given() {
        let palette = [[0, 0, 0, 0], [1, 2, 3, 200]];
        let raster = Raster::encode(&[0, 1], 2, 1, &palette, EXTENTS).unwrap();
        assert_eq!(decode(&raster.image), palette);
        let many: Vec<[u8; 4]> = (0..=255).map(|i| [i, 255 - i, i / 2, i]).collect();
        let pixels: Vec<u8> = (0..=255).flat_map(|i| std::iter::repeat_n(i, usize::from(i) + 1)).collect();
        let all = Raster::encode(&pixels, 257, 128, &many, EXTENTS).unwrap();
        assert_eq!(decode(&all.image), pixels.iter().map(|&i| many[usize::from(i)]).collect::<Vec<_>>());
        assert!(raster.data_uri().starts_with("data:image/webp;base64,UklGR"));
        let again = Raster::encode(&[1, 1], 2, 1, &palette, EXTENTS).unwrap();
        assert_ne!(again.hash, raster.hash);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        assert!(Raster::encode(&[0], 2, 1, &[[0; 4]], EXTENTS).is_err());
        assert!(Raster::encode(&[], 0, 0, &[[0; 4]], EXTENTS).is_err());
        assert!(Raster::encode(&[0], 1, 1, &[[0; 4]; 257], EXTENTS).is_err());
        assert!(Raster::encode(&[0, 3], 2, 1, &[[0; 4]; 3], EXTENTS).is_err());
        assert!(Raster::encode(&[0; 16_385], 16_385, 1, &[[0; 4]], EXTENTS).is_err());
    }

    #[test]
    fn lies_exactly_on_its_axes() {
        let raster = Raster::encode(&[0, 0], 2, 1, &[[0; 4]], EXTENTS).unwrap();
        let x = Axis::exact("x", AxisKind::Linear, [0.0, 3.0]);
        let date = Axis::exact("y", AxisKind::Date, [0.0, 1.0]);
        let layer = raster.layer(&x, &date);
        assert_eq!((&layer["x"], &layer["sizex"]), (&serde_json::json!(0), &serde_json::json!(2.0)));
        assert_eq!(layer["y"], "1970-01-01 00:00:00.001");
    }
}
