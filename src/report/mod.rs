//! Charts, pages, CSV and JSON: everything made from a result.
