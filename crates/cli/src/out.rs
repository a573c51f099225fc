//! Standard output: colours where they help, and no complaint when the reader has gone.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use serde::Serialize;

/// Standard output.
pub(crate) struct Out {
    to: BufWriter<Stdout>,
    has_colour: bool,
    is_terminal: bool,
    is_closed: bool,
}

/// What a piece of text is about. Colour never says anything that the words do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Careful,
    Quiet,
    Strong,
}

impl Out {
    pub(crate) fn new() -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self {
            to: BufWriter::new(io::stdout()),
            has_colour: is_terminal && wants_colour(),
            is_terminal,
            is_closed: false,
        }
    }

    /// Whether a person is likely to look at it now.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    pub(crate) fn has_colour(&self) -> bool {
        self.has_colour
    }

    pub(crate) fn tone(&self, tone: Tone, text: &str) -> String {
        paint(self.has_colour, tone, text)
    }

    pub(crate) fn line(&mut self, text: &str) {
        self.write(text);
        self.write("\n");
    }

    pub(crate) fn write(&mut self, text: &str) {
        let written = self.to.write_all(text.as_bytes());
        self.notice(written);
    }

    /// One line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) {
        let written = serde_json::to_writer(&mut self.to, value).map_err(io::Error::from);
        self.notice(written);
        self.write("\n");
    }

    pub(crate) fn flush(&mut self) {
        let flushed = self.to.flush();
        self.notice(flushed);
    }

    /// Whoever reads may stop reading; what is being carried out goes on.
    fn notice(&mut self, result: io::Result<()>) {
        if let Err(error) = result
            && !self.is_closed
        {
            self.is_closed = true;
            tracing::debug!(%error, "standard output is closed");
        }
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Text in the colour of its tone, if there are colours.
pub(crate) fn paint(has_colour: bool, tone: Tone, text: &str) -> String {
    if !has_colour {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Careful => "33",
        Tone::Quiet => "2",
        Tone::Strong => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// Whether standard error shows colours.
pub(crate) fn errors_have_colour() -> bool {
    io::stderr().is_terminal() && wants_colour()
}

fn wants_colour() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}
