//! What the container prints: into the log file, up to a bound, and line by line into the report.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use futures::StreamExt as _;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{Output, OutputStream},
    events::{Lines, Report},
};

/// The most that is kept of what a container prints, in bytes; more ends the run.
pub const MAX_LOG_BYTES: u64 = 16 * 1024 * 1024;
/// Pieces between engine and disk.
const QUEUE_PIECES: usize = 64;

/// How far the run is, for the user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Bytes in the log file.
    pub log_bytes: u64,
    /// Epochs done.
    pub epoch: u32,
    /// Epochs asked for.
    pub epochs: u32,
    /// Metrics of the last epoch.
    pub metrics: BTreeMap<String, f64>,
}

/// A running capture.
#[derive(Debug)]
pub struct Capture {
    reader: JoinHandle<()>,
    writer: JoinHandle<io::Result<Report>>,
    /// Cancelled when the container printed more than [`MAX_LOG_BYTES`].
    pub over: CancellationToken,
    /// How far it is.
    pub snapshot: watch::Receiver<Snapshot>,
}

struct Writer {
    log: File,
    written: u64,
    lines: Lines,
    report: Report,
    over: CancellationToken,
    snapshot: watch::Sender<Snapshot>,
}

impl Writer {
    /// Takes a piece; what is beyond the bound is dropped, so that the container is not held up
    /// before it is stopped.
    fn take(&mut self, output: &Output) -> io::Result<()> {
        let (Output::Out(bytes) | Output::Err(bytes)) = output;
        let left = MAX_LOG_BYTES.saturating_sub(self.written);
        let kept = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if kept < bytes.len() {
            self.over.cancel();
        }
        let kept = bytes.get(..kept).unwrap_or_default();
        self.log.write_all(kept)?;
        self.written += kept.len() as u64;
        if matches!(output, Output::Out(_)) {
            let report = &mut self.report;
            self.lines.push(kept, |line| {
                report.take_line(line);
            });
        }
        self.tell();
        Ok(())
    }

    fn tell(&self) {
        self.snapshot.send_modify(|snapshot| {
            snapshot.log_bytes = self.written;
            snapshot.epoch = self.report.reported.epochs;
            snapshot.epochs = self.report.epochs_asked;
            if snapshot.metrics != self.report.reported.final_metrics {
                snapshot.metrics.clone_from(&self.report.reported.final_metrics);
            }
        });
    }

    fn run(mut self, mut pieces: mpsc::Receiver<Output>) -> io::Result<Report> {
        while let Some(piece) = pieces.blocking_recv() {
            self.take(&piece)?;
        }
        let mut report = self.report;
        self.lines.finish(|line| {
            report.take_line(line);
        });
        self.log.flush()?;
        Ok(report)
    }
}

/// Makes the empty log file.
///
/// # Errors
/// When the disk fails.
pub fn create_log(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

impl Capture {
    /// Reads `stream` until its end.
    #[must_use]
    pub fn spawn(mut stream: OutputStream, log: File) -> Self {
        let (sink, pieces) = mpsc::channel(QUEUE_PIECES);
        let (tell, snapshot) = watch::channel(Snapshot::default());
        let over = CancellationToken::new();
        let writer = Writer {
            log,
            written: 0,
            lines: Lines::default(),
            report: Report::default(),
            over: over.clone(),
            snapshot: tell,
        };
        let writer = tokio::task::spawn_blocking(move || writer.run(pieces));
        let reader = tokio::spawn(async move {
            // An error of the stream is the engine's end: the wait for the container tells it.
            while let Some(Ok(piece)) = stream.next().await {
                if sink.send(piece).await.is_err() {
                    return;
                }
            }
        });
        Self { reader, writer, over, snapshot }
    }

    /// Waits for the end of the stream, at most `bound`, and gives the report.
    ///
    /// # Errors
    /// When the log could not be written.
    pub async fn finish(mut self, bound: std::time::Duration) -> io::Result<Report> {
        if tokio::time::timeout(bound, &mut self.reader).await.is_err() {
            // The sink goes with the task, and the writer ends with the sink.
            self.reader.abort();
        }
        self.writer.await.map_err(io::Error::other)?
    }
}
