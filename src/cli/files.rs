//! What is made from results and belongs beside them: written by `run`, made again by `report`.

use super::exit::Failure;
use authstorm::experiment::results::Results;
use authstorm::report::{self, Chart, page, told::Told};
use rayon::prelude::*;

/// The charts, each as SVG and PNG, and the page; on the threads of the pool it is called in, for most of the time that
/// small results take is spent here.
pub fn derived(results: &Results, told: &[Told], scenario: &str) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let draw = || {
        let retry_schedule = report::told::retry_schedule(results, told);
        let charts: Vec<Chart> = report::charts(results).into_iter().chain(retry_schedule).collect();
        let pictures = charts.into_par_iter().with_max_len(1).map(pictures);
        pictures.collect::<Vec<_>>().into_iter().collect::<Result<Vec<_>, Failure>>()
    };
    let (pictures, page) = rayon::join(draw, || page::page(results, told, scenario));
    let mut files: Vec<_> = pictures?.into_iter().flatten().collect();
    files.push((page::FILE.to_owned(), page.into_bytes()));
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
