//! Marks in files that `explain` writes. The command overwrites files with the mark and leaves every other file alone.

use super::png_text;

/// Bytes from the start of a file that suffice to find the mark.
pub const HEAD: usize = 4_096;
/// First line of an SVG file that `explain` writes.
const SVG_MARK: &str = "<!-- authstorm explain -->\n";
/// Keyword and text in a PNG file that `explain` writes.
const PNG_MARK: (&str, &str) = ("Software", "authstorm explain");

/// The SVG file of a story, with the mark.
pub fn svg(picture: &str) -> String {
    format!("{SVG_MARK}{picture}")
}

/// The PNG file of a story, with the mark. `bytes` is a PNG.
pub fn png(bytes: &[u8]) -> Vec<u8> {
    png_text::with_text(bytes, PNG_MARK)
}

/// Whether a file that begins with these bytes is a story that `explain` wrote, in any format.
pub fn is_story(head: &[u8]) -> bool {
    if head.starts_with(&png_text::SIGNATURE) {
        return head
            .get(png_text::FIRST_TEXT..)
            .is_some_and(|rest| rest.starts_with(&png_text::text_chunk(PNG_MARK)));
    }
    // The head may end within a character. The text before it suffices.
    let head = String::from_utf8_lossy(head);
    let provenance = |text: &str| {
        [" · seed ", " · client model ", " · authstorm ", " · sha256 "].iter().all(|part| text.contains(part))
    };
    let begins = |text: &str| head.starts_with(text);
    begins(SVG_MARK)
        || begins("{\n  \"headline\": \"Session ")
        || begins("{\n  \"steps_alike\": ")
        || begins("{\"displayTimeUnit\":\"ms\",\"otherData\":{\"headline\":\"Session ")
        || (begins("Session ") && provenance(&head))
        || (begins("%% ") && provenance(&head) && head.contains("\nsequenceDiagram\n"))
}
