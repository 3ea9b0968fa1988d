//! A picture of the data as a palette PNG, shown as an image layer under exact axes.

use crate::axis::{Axis, Window};
use crate::extend::{self, Image};
use crate::huffman;
use serde_json::Value;

/// A palette PNG with at most 255 colours besides the transparent one, and the part of the plot that it covers.
#[derive(Clone, Debug, PartialEq)]
pub struct Raster {
    pub png: Vec<u8>,
    /// What the image covers, in axis units; exact to the edges of its outer pixels.
    pub extents: Window,
    /// Pixels.
    pub width: u32,
    pub height: u32,
    /// XXH3 (128 bits, hex) of the PNG, for URLs that may be cached for ever.
    pub hash: String,
    /// Where the image is to be had: a URL or a data URI; set by [`crate::Drawing::set_raster_source`].
    pub source: Option<String>,
}

/// Why a raster could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodingError {
    #[error("a palette of {0} colours does not fit one byte a pixel")]
    Palette(usize),
    #[error("{pixels} pixels do not fill {width} × {height}")]
    Size { pixels: usize, width: u32, height: u32 },
    #[error("the PNG could not be written")]
    Png(#[from] png::EncodingError),
}

impl Raster {
    /// Encodes palette indices, top row first. `palette` is RGBA.
    ///
    /// # Errors
    /// When the size is zero or does not fit the pixels, or the palette has more than 256 entries.
    pub fn encode(pixels: &[u8], width: u32, height: u32, palette: &[[u8; 4]], extents: Window) -> Result<Self, EncodingError> {
        if palette.is_empty() || palette.len() > 256 {
            return Err(EncodingError::Palette(palette.len()));
        }
        if pixels.len() as u64 != u64::from(width) * u64::from(height) {
            return Err(EncodingError::Size { pixels: pixels.len(), width, height });
        }
        let mut png = Vec::with_capacity(pixels.len() / 4 + 1024);
        let mut encoder = png::Encoder::new(&mut png, width, height);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(palette.iter().flat_map(|c| [c[0], c[1], c[2]]).collect::<Vec<_>>());
        encoder.set_trns(palette.iter().map(|c| c[3]).collect::<Vec<_>>());
        let mut writer = encoder.write_header()?;
        writer.write_chunk(png::chunk::IDAT, &huffman::compress(pixels, width as usize, NO_FILTER))?;
        writer.finish()?;
        let hash = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&png));
        Ok(Self { png, extents, width, height, hash, source: None })
    }

    /// The PNG as a data URI.
    pub fn data_uri(&self) -> String {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        format!("data:image/png;base64,{}", STANDARD.encode(&self.png))
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

/// A row of a PNG begins with the number of its filter; palette indices have no order that one could use.
const NO_FILTER: u8 = 0;

/// The pixels of a PNG as RGBA, top row first.
#[cfg(test)]
pub(crate) fn decode(png: &[u8]) -> Vec<[u8; 4]> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut out = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut out).unwrap();
    out.chunks_exact(4).map(|c| [c[0], c[1], c[2], c[3]]).collect()
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
        assert_eq!(decode(&raster.png), palette);
        let many: Vec<[u8; 4]> = (0..=255).map(|i| [i, 255 - i, i / 2, i]).collect();
        let pixels: Vec<u8> = (0..=255).flat_map(|i| std::iter::repeat_n(i, usize::from(i) + 1)).collect();
        let all = Raster::encode(&pixels, pixels.len() as u32, 1, &many, EXTENTS).unwrap();
        assert_eq!(decode(&all.png), pixels.iter().map(|&i| many[usize::from(i)]).collect::<Vec<_>>());
        assert!(raster.data_uri().starts_with("data:image/png;base64,iVBOR"));
        let again = Raster::encode(&[1, 1], 2, 1, &palette, EXTENTS).unwrap();
        assert_ne!(again.hash, raster.hash);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        assert!(Raster::encode(&[0], 2, 1, &[[0; 4]], EXTENTS).is_err());
        assert!(Raster::encode(&[], 0, 0, &[[0; 4]], EXTENTS).is_err());
        assert!(Raster::encode(&[0], 1, 1, &[[0; 4]; 257], EXTENTS).is_err());
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
