//! The results of a sweep or a rollout: its points are run, or taken over, and become tables, charts, sentences and a page.

use super::exit::{Exit, Failure};
use super::format::Format;
use super::memory;
use super::points::{finish, lines, save};
use super::scenario::RunOptions;
use super::{interrupt, terminal};
use authstorm::experiment::sweep::{JSON, Metrics, Point, Sweep, Sweeper, Table, Told, write};
use authstorm::plot::Chart;
use authstorm::results::dir::Unfinished;
use authstorm::text::{ended, shell_word, tick};
use authstorm::{Control, Study, page, plot};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Metrics that are drawn and told where none is asked for.
const DRAWN: usize = 3;

/// A file beside the map.
pub(super) type More = (String, Vec<u8>);

/// What is made.
pub(super) struct Grid<'a> {
    pub sweeper: &'a Sweeper<'a>,
    pub study: &'a Study,
    pub options: &'a RunOptions,
    pub format: Option<Format>,
    pub out: &'a Path,
    /// The metrics that are asked for.
    pub metrics: &'a [&'static str],
    pub commands: &'a page::Commands,
    /// Policies that have one chart for each metric. A later list has the metrics that no policy of an earlier one has.
    pub drawn: &'a [Vec<String>],
    /// The map in sentences, from the tables of the lists of policies and the number of events.
    pub words: &'a dyn Fn(&[Table], u64) -> Vec<String>,
}

impl Grid<'_> {
    /// Runs the points that are not finished, writes the map and prints it. `more` does what else there is to do, and gives
    /// sentences and files; a chart is one of its files.
    pub(super) fn make(
        &self,
        work: Unfinished,
        pool: &rayon::ThreadPool,
        control: &Arc<Control>,
        more: impl FnOnce(&mut Unfinished) -> Result<Vec<(Vec<String>, Vec<More>)>, Failure>,
    ) -> Result<Exit, Failure> {
        let head = self.sweeper.head();
        let row = |point: u64| self.sweeper.row(point, control);
        let mut work = finish((0, head.count), work, (pool, self.options.quiet), control, row)?;
        let stopped = || interrupt::check(control);
        stopped()?;
        let more = more(&mut work)?;
        stopped()?;
        let dir = work.results_dir().map_err(|e| Failure::io(terminal::shown(work.path()), &e))?;
        let failed = |e: io::Error| Failure::io(terminal::shown(&dir), &e);
        let point = |number: u64| -> io::Result<Point> { Ok(serde_json::from_str(&work.row(number)?)?) };
        let written = write(&dir, &head, point).map_err(failed)?;
        stopped()?;
        let tables = self.tables(&head, point).map_err(failed)??;
        let mut words = (self.words)(&tables, written.events);
        let charts: Vec<Chart> = tables.iter().flat_map(plot::sweep).collect();
        let ranked = written.metrics.ranked();
        let cells_of_each = head.policies.len() * head.count as usize;
        let all = ranked.len();
        let happens = ranked.into_iter().filter(Told::happens);
        let picked: Vec<Told> = happens.take(page::MOST_CELLS / cells_of_each).collect();
        let left_out = all - picked.len();
        let mut on_page = Table::new(head.clone(), picked);
        for number in 0..head.count {
            on_page.add(&point(number).map_err(failed)?);
        }
        let mut files: Vec<More> = Vec::new();
        for (sentences, made) in more {
            // What was asked beside the map is told first.
            words.splice(1..1, sentences);
            files.extend(made);
        }
        let text = self.study.loaded().portable_text();
        let page = page::sweep(&on_page, &words, &charts, self.commands, &text, left_out);
        let pictures = memory::on(pool, || page::pictures_of(&charts))?;
        files.extend([
            ("scenario.toml".to_owned(), text.into_bytes()),
            (format!("{}.txt", self.commands.what), lines(&words).into_bytes()),
            (page::FILE.to_owned(), page.into_bytes()),
        ]);
        files.extend(pictures.into_iter().map(|file| (file.name, file.bytes)));
        let copies = self.study.loaded().policy_files();
        files.extend(copies.into_iter().map(|file| (file.name, file.text.into_bytes())));
        for (name, bytes) in files {
            save(&dir.join(name), &bytes).map_err(failed)?;
        }
        stopped()?;
        let printed = match Format::of(self.format, self.options.json) {
            Format::Json => Some(JSON),
            Format::Csv => Some(authstorm::experiment::sweep::CSV),
            _ => None,
        };
        let printed = printed.map(|name| fs::read_to_string(dir.join(name)).map(|text| (name, text)));
        let printed = printed.transpose().map_err(failed)?;
        work.finish(&self.commands.again)?;
        match (printed, self.format) {
            (Some((JSON, text)), _) => terminal::say_json(&text),
            (Some((_, text)), _) => terminal::say(&text),
            (None, Some(Format::Md)) => terminal::say(
                &words.iter().map(|sentence| format!("- {}\n", ended(sentence))).collect::<String>(),
            ),
            _ if self.options.quiet => Ok(Exit::Yes),
            _ => {
                let page = shell_word(&terminal::shown(&self.out.join(page::FILE)));
                let place =
                    format!("results in {}\nopen the page in a browser: {page}", terminal::shown(self.out));
                terminal::say(&format!("{}{place}\n", lines(&words)))
            }
        }
    }

    /// The tables that are drawn, one for each list of policies.
    fn tables(
        &self,
        head: &Sweep,
        point: impl Fn(u64) -> io::Result<Point>,
    ) -> io::Result<Result<Vec<Table>, Failure>> {
        let of = |policies: &[String], number: u64| -> io::Result<Point> {
            let mut point = point(number)?;
            point.policies.retain(|policy| policies.contains(&policy.name));
            Ok(point)
        };
        let mut tables: Vec<Table> = Vec::new();
        let (mut left, mut seen) = (self.metrics.to_vec(), Vec::<&str>::new());
        for policies in self.drawn {
            let mut metrics = Metrics::default();
            for number in 0..head.count {
                metrics.add(&of(policies, number)?);
            }
            let ranked: Vec<Told> =
                metrics.ranked().into_iter().filter(|told| !seen.contains(&told.name)).collect();
            seen.extend(ranked.iter().map(|told| told.name));
            let drawn = self.drawn(&ranked);
            left.retain(|name| drawn.iter().all(|told| told.name != *name));
            let mut some = head.clone();
            some.policies.clone_from(policies);
            let mut table = Table::new(some, drawn);
            for number in 0..head.count {
                table.add(&of(policies, number)?);
            }
            tables.push(table);
        }
        Ok(match left.first() {
            None => Ok(tables),
            Some(name) => Err(Failure::usage(format!(
                "error: --metric: the client of this scenario has no metric {}",
                tick(name)
            ))),
        })
    }

    /// The metrics that are drawn: those that are asked for, or the gravest that vary.
    fn drawn(&self, ranked: &[Told]) -> Vec<Told> {
        if self.metrics.is_empty() {
            let happens: Vec<&Told> = ranked.iter().filter(|told| told.happens()).collect();
            let varies = happens.iter().filter(|told| told.varies()).count().clamp(1, DRAWN);
            return happens.into_iter().take(varies).cloned().collect();
        }
        let found = |name: &&str| ranked.iter().find(|told| told.name == *name).cloned();
        self.metrics.iter().filter_map(found).collect()
    }
}
