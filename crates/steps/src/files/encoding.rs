//! Text of any encoding as UTF-8, and nothing guessed: wrong bytes are an error that names the line.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use baton_core::error::StepError;
use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::safe_path::SafePath;

/// How a text file is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Encoding {
    /// UTF-16 if the file says so by its first bytes, else UTF-8.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "utf-16")]
    Utf16,
    /// Latin 1 in the form that Windows writes (code page 1252).
    #[serde(rename = "latin-1")]
    Latin1,
}

const CHUNK: usize = 1024 * 1024;

/// Checks that `path` is UTF-8, or writes it as UTF-8 to `aside` and gives `true`.
pub(crate) fn to_utf8(
    path: &SafePath,
    encoding: Encoding,
    aside: &Path,
    check: &dyn Fn() -> Result<(), StepError>,
) -> Result<bool, StepError> {
    let failed = |error: io::Error| path.failed("read", &error);
    let mut file = File::open(path.full()).map_err(failed)?;
    let mut start = Vec::new();
    Read::by_ref(&mut file)
        .take(4)
        .read_to_end(&mut start)
        .map_err(failed)?;
    let mark = match start.as_slice() {
        [0xFF, 0xFE, ..] => Some(UTF_16LE),
        [0xFE, 0xFF, ..] => Some(UTF_16BE),
        _ => None,
    };
    let reader = io::Cursor::new(start).chain(file);
    let other = match (encoding, mark) {
        (Encoding::Auto | Encoding::Utf16, Some(utf16)) => utf16,
        (Encoding::Utf16, None) => UTF_16LE,
        (Encoding::Latin1, _) => WINDOWS_1252,
        (Encoding::Auto, None) | (Encoding::Utf8, _) => {
            check_utf8(path, reader, check)?;
            return Ok(false);
        }
    };
    transcode(
        path,
        reader,
        other.new_decoder_with_bom_removal(),
        other.name(),
        aside,
        check,
    )?;
    Ok(true)
}

fn check_utf8(
    path: &SafePath,
    mut reader: impl Read,
    check: &dyn Fn() -> Result<(), StepError>,
) -> Result<(), StepError> {
    let mut buffer = vec![0; CHUNK];
    let mut kept = 0;
    let mut before = 0;
    loop {
        check()?;
        let read = reader
            .read(&mut buffer[kept..])
            .map_err(|error| path.failed("read", &error))?;
        let filled = &buffer[..kept + read];
        let valid = match std::str::from_utf8(filled) {
            Ok(_) => filled.len(),
            // A character may be cut by the end of the buffer, not by the end of the file.
            Err(error) if error.error_len().is_none() && read > 0 => error.valid_up_to(),
            Err(error) => return Err(not_utf8(path, filled, error.valid_up_to(), before)),
        };
        if read == 0 {
            return Ok(());
        }
        before += valid as u64;
        let end = filled.len();
        buffer.copy_within(valid..end, 0);
        kept = end - valid;
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// The number of the line, from 1, that follows the first `bytes` bytes. Counted only when it is asked for: most files
/// are fine.
fn line_at(path: &SafePath, bytes: u64) -> usize {
    let mut reader = match File::open(path.full()) {
        Ok(file) => file.take(bytes),
        Err(_) => return 1,
    };
    let mut buffer = vec![0; CHUNK];
    let mut line = 1;
    while let Ok(read @ 1..) = reader.read(&mut buffer) {
        line += newlines(&buffer[..read]);
    }
    line
}

/// `before` is how many bytes of the file come before `bytes`.
fn not_utf8(path: &SafePath, bytes: &[u8], at: usize, before: u64) -> StepError {
    let line = line_at(path, before + at as u64);
    let start = bytes[..at]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |found| found + 1);
    let end = bytes[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |found| at + found);
    let near: String = WINDOWS_1252
        .decode_without_bom_handling(&bytes[start.max(at.saturating_sub(30))..end.min(at + 30)])
        .0
        .into();
    let error = StepError::permanent(
        "encoding",
        format!(
            "`{}` is not UTF-8: line {line} holds the byte 0x{:02X}",
            path.shown(),
            bytes[at]
        ),
    );
    let error = if bytes[..at].contains(&0) {
        error.hint(
            "the file holds zero bytes: set the encoding to `utf-16`, or the format to what it is",
        )
    } else {
        error.hint(format!(
            "read as `latin-1` the place is `{}`; if that is right, set the encoding to `latin-1`",
            near.trim()
        ))
    };
    error.details(serde_json::json!({ "line": line }))
}

fn transcode(
    path: &SafePath,
    mut reader: impl Read,
    mut decoder: Decoder,
    name: &str,
    aside: &Path,
    check: &dyn Fn() -> Result<(), StepError>,
) -> Result<(), StepError> {
    let written = |error: io::Error| {
        StepError::new(
            "temp",
            format!(
                "could not write `{}` aside: {}",
                path.shown(),
                crate::safe_path::reason(&error)
            ),
        )
    };
    let mut out = BufWriter::new(File::create(aside).map_err(written)?);
    let mut buffer = vec![0; CHUNK];
    let mut text = vec![0; CHUNK * 4];
    let mut line = 1;
    loop {
        check()?;
        let read = reader
            .read(&mut buffer)
            .map_err(|error| path.failed("read", &error))?;
        let mut input = &buffer[..read];
        loop {
            let (result, used, made) =
                decoder.decode_to_utf8_without_replacement(input, &mut text, read == 0);
            out.write_all(&text[..made]).map_err(written)?;
            line += newlines(&text[..made]);
            input = &input[used..];
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    return Err(StepError::permanent(
                        "encoding",
                        format!(
                            "`{}` is not {name}: line {line} holds bytes that mean nothing in it",
                            path.shown()
                        ),
                    )
                    .hint("set the encoding to what the file is: `utf-8`, `utf-16` or `latin-1`")
                    .details(serde_json::json!({ "line": line })));
                }
            }
        }
        if read == 0 {
            return out.flush().map_err(written);
        }
    }
}
