//! The files that are drawn from results.

use crate::parallel;
use crate::plot::{Chart, PngError, charts, retry_schedule, to_png};
use crate::results::{DataFile, Results, csv};

/// The files that are made from results and stand beside their data: each chart as SVG and PNG, the page, and a table of what
/// limits did. Runs on the
/// thread pool of the caller, because small results take most of their time here.
///
/// # Errors
/// When a picture cannot be rendered.
pub fn files(results: &Results) -> Result<Vec<DataFile>, PngError> {
    let draw = || {
        let charts: Vec<Chart> = charts(results).into_iter().chain(retry_schedule(results)).collect();
        pictures_of(&charts)
    };
    let (pictures, page) = parallel::join(draw, || super::page(results));
    let mut files = pictures?;
    files.push(DataFile::new(super::FILE, page));
    if results.policies.iter().any(|policy| !policy.limits.is_empty()) {
        files.push(DataFile::new("limits.csv", csv::limits(results)));
    }
    if results.policies.iter().any(|policy| !policy.servers.is_empty()) {
        files.push(DataFile::new("pools.csv", csv::pools(results)));
    }
    Ok(files)
}

/// Each chart as SVG and PNG, on the thread pool of the caller.
///
/// # Errors
/// When a picture cannot be rendered.
pub fn pictures_of(charts: &[Chart]) -> Result<Vec<DataFile>, PngError> {
    let drawn = parallel::map(charts, pictures).into_iter().collect::<Result<Vec<_>, PngError>>()?;
    Ok(drawn.into_iter().flatten().collect())
}

fn pictures(chart: &Chart) -> Result<[DataFile; 2], PngError> {
    let Chart { file_stem, svg } = chart;
    let png = to_png(svg)?;
    Ok([
        DataFile::new(format!("{file_stem}.svg"), svg.as_str()),
        DataFile::new(format!("{file_stem}.png"), png),
    ])
}
