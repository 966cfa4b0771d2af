//! Inserts a text into a PNG.

/// First bytes of every PNG.
pub(super) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// Position of the text of [`with_text`]: after the signature and the header, which has 13 bytes in a chunk.
pub(super) const FIRST_TEXT: usize = SIGNATURE.len() + CHUNK + 13;
/// Bytes of a chunk besides its data: length, kind and checksum.
const CHUNK: usize = 12;

/// The PNG with a keyword and a text before its picture. Bytes that are not a PNG are returned unchanged.
pub(super) fn with_text(png: &[u8], text: (&str, &str)) -> Vec<u8> {
    match png.split_at_checked(FIRST_TEXT) {
        Some((header, picture)) if header.starts_with(&SIGNATURE) => {
            [header, &text_chunk(text), picture].concat()
        }
        _ => png.to_vec(),
    }
}

/// A keyword and a text, both ASCII, as a `tEXt` chunk.
pub(super) fn text_chunk((keyword, text): (&str, &str)) -> Vec<u8> {
    let body = [b"tEXt", keyword.as_bytes(), b"\0", text.as_bytes()].concat();
    let length = u32::try_from(body.len() - 4).expect("the text is short");
    [&length.to_be_bytes()[..], &body, &checksum(&body).to_be_bytes()].concat()
}

/// CRC-32 as defined for PNG.
fn checksum(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc));
    !bytes.iter().fold(!0, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard check value of CRC-32, and the end chunk of every PNG.
    #[test]
    fn the_checksum_is_that_of_png() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
        assert_eq!(checksum(b"IEND"), 0xAE42_6082);
    }
}
