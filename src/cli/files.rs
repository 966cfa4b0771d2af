//! What is made from results and belongs beside them: written by `run`, made again by `report`.

use super::exit::Failure;
use authstorm::experiment::results::Results;
use authstorm::report::{self, Chart, page, told::Told};

/// The charts, each as SVG and PNG, and the page.
pub fn derived(results: &Results, told: &[Told], scenario: &str) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut files = Vec::new();
    let retry_schedule = report::told::retry_schedule(results, told);
    for chart in report::charts(results).into_iter().chain(retry_schedule) {
        files.extend(pictures(chart)?);
    }
    files.push((page::FILE.to_owned(), page::page(results, told, scenario).into_bytes()));
    Ok(files)
}

fn pictures(chart: Chart) -> Result<[(String, Vec<u8>); 2], Failure> {
    let png = png(&chart.svg)?;
    Ok([
        (format!("{}.svg", chart.file_stem), chart.svg.into_bytes()),
        (format!("{}.png", chart.file_stem), png),
    ])
}

/// A picture as pixels.
pub fn png(svg: &str) -> Result<Vec<u8>, Failure> {
    report::to_png(svg).map_err(|e| Failure::io("PNG", &std::io::Error::other(e.to_string())))
}
