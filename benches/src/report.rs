//! What a part of the benchmarks found: text for people, and a verdict on each budget.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::runner::Outcome;

/// One part's findings.
#[derive(Clone, Serialize, Deserialize, Debug, Default)]
pub struct Section {
    pub title: String,
    /// Markdown.
    pub text: String,
    pub budgets: Vec<Budget>,
    /// How busy the machine was: load averages before and after.
    pub load: String,
}

/// One line of the budgets.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Budget {
    pub what: String,
    pub limit: String,
    pub figure: String,
    pub met: bool,
}

impl Section {
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            ..Self::default()
        }
    }

    pub fn say(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A budget that is a figure and the most, or with `at_least` the least, that it may be.
    pub fn budget(&mut self, what: &str, limit: &str, figure: String, met: bool) {
        self.budgets.push(Budget {
            what: what.to_owned(),
            limit: limit.to_owned(),
            figure,
            met,
        });
    }

    /// A figure that may be `limit` at most.
    pub fn at_most(&mut self, what: &str, figure: f64, limit: f64, unit: &str) {
        let (shown, limit_shown) = (digits(figure), format!("at most {limit} {unit}"));
        self.budget(
            what,
            &limit_shown,
            format!("{shown} {unit}"),
            figure <= limit,
        );
    }

    /// A ratio that has to be `limit` at least.
    pub fn at_least(&mut self, what: &str, figure: f64, limit: f64) {
        let shown = format!("{figure:.2}");
        self.budget(what, &format!("at least {limit}"), shown, figure >= limit);
    }

    /// A table with a head.
    pub fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        let _ = writeln!(self.text, "\n| {} |", head.join(" | "));
        let _ = writeln!(self.text, "|{}", "---|".repeat(head.len()));
        for row in rows {
            let _ = writeln!(self.text, "| {} |", row.join(" | "));
        }
        self.text.push('\n');
    }

    /// The outcomes of a group, floor first.
    pub fn outcomes(&mut self, title: &str, outcomes: &[Outcome]) {
        self.say(&format!("### {title}"));
        let rows: Vec<Vec<String>> = outcomes
            .iter()
            .enumerate()
            .map(|(number, outcome)| {
                let is_floor = number == 0 || outcome.name == Outcome::NO_REQUEST;
                let unless_floor = |text: String| if is_floor { String::new() } else { text };
                vec![
                    outcome.name.clone(),
                    us(outcome.ns),
                    unless_floor(us(outcome.added)),
                    unless_floor(format!("± {}", us(outcome.spread))),
                    unless_floor(format!("{:.1}", outcome.allocations)),
                ]
            })
            .collect();
        let head = [
            "candidate",
            "us a request",
            "added, us",
            "spread (MAD)",
            "allocations added",
        ];
        self.table(&head, &rows);
    }
}

/// Nanoseconds as microseconds.
pub fn us(ns: f64) -> String {
    digits(ns / 1_000.0)
}

/// With as many digits as mean something.
pub fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The outcome of that name.
pub fn find<'a>(outcomes: &'a [Outcome], name: &str) -> &'a Outcome {
    let found = outcomes.iter().find(|outcome| outcome.name == name);
    found.unwrap_or_else(|| panic!("{name} was measured"))
}
