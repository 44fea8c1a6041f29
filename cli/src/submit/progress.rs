//! Bars on a terminal; nothing, or plain lines, elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::Terminal;

const BYTES: &str = "  {msg:24} {bar:32} {bytes:>10} / {total_bytes:10} {bytes_per_sec}";
const UNKNOWN: &str = "  {msg:24} {spinner} {bytes:>10} {bytes_per_sec}";
const ENTRIES: &str = "  {prefix:24} {bar:32} {pos:>8} / {len:8} {per_sec}";
const EPOCHS: &str = "  {prefix:24} {bar:32} {pos:>5} / {len:5} {msg}";
const STAGE: &str = "  {spinner} {msg}";

/// Several bars below each other on standard error; invisible when it is no terminal.
#[derive(Debug, Clone)]
pub(crate) struct Bars {
    all: MultiProgress,
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file; a default bar is better than none.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

impl Bars {
    /// No bars yet.
    pub(crate) fn new(terminal: &Terminal) -> Self {
        let target = if terminal.is_live() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self { all: MultiProgress::with_draw_target(target) }
    }

    /// A bar that counts bytes.
    pub(crate) fn bytes(&self, name: &str, total: Option<u64>) -> ProgressBar {
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
        let bar = bar.with_style(style(if total.is_some() { BYTES } else { UNKNOWN }));
        let bar = self.all.add(bar);
        bar.set_message(name.to_owned());
        bar
    }

    /// A bar that counts entries of a log.
    pub(crate) fn entries(&self, total: u64) -> ProgressBar {
        let bar = self.all.add(ProgressBar::new(total).with_style(style(ENTRIES)));
        bar.set_prefix("entries");
        bar
    }

    /// A bar that counts epochs.
    pub(crate) fn epochs(&self) -> ProgressBar {
        let bar = self.all.add(ProgressBar::new(0).with_style(style(EPOCHS)));
        bar.set_prefix("training");
        bar
    }

    /// What goes on after training.
    pub(crate) fn stage(&self) -> ProgressBar {
        self.all.add(ProgressBar::no_length().with_style(style(STAGE)))
    }

    /// Prints a line above the bars.
    pub(crate) fn say(&self, text: &str) {
        // Nobody to tell it to is no failure.
        let _ = self.all.println(text);
    }

    /// Removes all bars.
    pub(crate) fn clear(&self) {
        let _ = self.all.clear();
    }
}
