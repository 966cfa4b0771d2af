//! The worst sessions: a table of them, and below it their stories, folded.

use super::html::{escaped, escaped_lines};
use crate::explain::TOLD;
use crate::results::{PolicyResults, Results, SessionRow, StoryDigest};
use crate::text::{number, shell_word};
use std::fmt::Write;

/// The most rows of worst sessions in total.
const MOST_ROWS: usize = 60;
/// The most bytes of all stories of a page. Beyond them, the command tells a story.
const MOST_STORIES: usize = 600_000;

/// Writes the section.
pub(super) fn worst_sessions(results: &Results, out: &mut String) {
    out.push_str("<section aria-labelledby=\"worst\">\n<h2 id=\"worst\">Worst sessions</h2>\n");
    if results.users == 0 {
        out.push_str("<p>A run without users has no sessions.</p>\n</section>\n");
        return;
    }
    let _ = write!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Worst sessions, a table\">\n<table class=\"worst\">\n\
         <thead><tr><th scope=\"col\">policy</th><th scope=\"col\">replication</th><th scope=\"col\">session</th>\
         <th scope=\"col\">{}</th><th scope=\"col\">depth</th><th scope=\"col\">requests</th>\
         <th scope=\"col\">signed out</th><th scope=\"col\">without token</th><th scope=\"col\">story</th></tr></thead>\n\
         <tbody>\n",
        results.flow().plural(),
    );
    let rows = results.policies.iter().flat_map(|p| p.sessions.iter().take(TOLD).map(move |row| (p, row)));
    for (policy, row) in rows.take(MOST_ROWS) {
        table_row(results, policy, row, out);
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
    let chosen = results.worst_story();
    let mut left = MOST_STORIES;
    for (i, story) in results.stories.iter().enumerate() {
        tell(results, i, story, chosen == Some(story), &mut left, out);
    }
    out.push_str("</section>\n");
}

fn table_row(results: &Results, policy: &PolicyResults, row: &SessionRow, out: &mut String) {
    let sign_out = match row.signed_out_at_s {
        None => "no".to_owned(),
        Some(at) => {
            let how = match (row.false_sign_out, row.reuse_sign_out) {
                (true, _) => "falsely",
                (_, true) => "by its own reuse",
                _ => "rightly",
            };
            format!("{}, {how}", number::with_unit(at, "s"))
        }
    };
    let story = match results.stories.iter().position(|story| story.is_of(policy, row)) {
        Some(i) => format!("<a href=\"#story-{i}\">told below</a>"),
        None => {
            format!("<code>{}</code>", escaped(&explain(results, &policy.name, row.replication, row.session)))
        }
    };
    let _ = writeln!(
        out,
        "<tr><td><bdi>{}</bdi></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{sign_out}</td><td>{}</td>\
         <td>{story}</td></tr>",
        escaped(&policy.label()),
        row.replication,
        row.session,
        entries(results, row),
        number::whole(row.depth.into()),
        number::whole(row.requests.into()),
        number::with_unit(row.stale_token_s, "s"),
    );
}

/// The entries of a session: a number under the head of its column, or in words where sessions have different clients.
fn entries(results: &Results, row: &SessionRow) -> String {
    let Some(client) = &row.client else { return number::whole(row.entries.into()) };
    let words = row.flow(results);
    let entries = number::counted(row.entries.into(), words.entry, words.plural());
    format!("{entries} <small>{}</small>", escaped(client))
}

/// Writes a story, folded unless it is the worst of all. `left` is the number of bytes that stories may still take.
fn tell(results: &Results, i: usize, story: &StoryDigest, open: bool, left: &mut usize, out: &mut String) {
    let command = explain(results, &story.policy, story.replication, story.session);
    let _ = writeln!(
        out,
        "<details class=\"story\" id=\"story-{i}\"{}>\n<summary>{}</summary>\n<div class=\"lanes live\" \
         data-story=\"{i}\"></div>",
        if open { " open" } else { "" },
        escaped(&story.headline),
    );
    let mut text = |name: &str, text: &str, out: &mut String| {
        let shown = escaped_lines(text);
        match left.checked_sub(shown.len()) {
            Some(rest) => {
                *left = rest;
                let _ = writeln!(
                    out,
                    "<pre tabindex=\"0\" role=\"region\" aria-label=\"{}\">{shown}</pre>",
                    escaped(name)
                );
            }
            None => out.push_str("<p>This text is too large for the page. The command prints it.</p>\n"),
        }
    };
    text(&format!("The story of session {} under {}", story.session, story.policy), &story.text, out);
    let _ = writeln!(out, "<p class=\"hint\"><code>{}</code></p>", escaped(&command));
    if let Some(against) = &story.against {
        let _ = writeln!(
            out,
            "<details class=\"against\">\n<summary>The same session under <bdi>{}</bdi>, from the first difference on\
             </summary>",
            escaped(&against.policy)
        );
        let name = format!("Session {} under {} and under {}", story.session, story.policy, against.policy);
        text(&name, &against.text, out);
        let _ = writeln!(
            out,
            "<p class=\"hint\"><code>{} --against {}</code></p>\n</details>",
            escaped(&command),
            escaped(&shell_word(&against.policy))
        );
    }
    out.push_str("</details>\n");
}

/// The command that tells the story of a session.
fn explain(results: &Results, policy: &str, replication: u32, session: u32) -> String {
    format!(
        "authstorm explain scenario.toml --policy {} --replication {replication} --session {session} --seed {} \
         --replications {}",
        shell_word(policy),
        results.seed,
        results.replications
    )
}
