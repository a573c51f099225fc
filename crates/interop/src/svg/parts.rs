//! The things a picture is drawn from.

use std::fmt::Write as _;

use baton_core::document::On;
use baton_core::step_kind::Category;

const FONT: &str = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";
const INK: &str = "#1f2430";
const QUIET: &str = "#565d6d";
const LINE: &str = "#7a8194";
const ERROR: &str = "#b42318";

/// A rectangle, from its top left corner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    /// Where edges arrive.
    pub(super) fn inlet(self) -> [f64; 2] {
        [self.x, self.y + self.height / 2.0]
    }
}

/// A picture in the making.
#[derive(Default)]
pub(super) struct Canvas {
    body: String,
    /// Left, top, right, bottom of everything so far.
    bounds: Option<[f64; 4]>,
}

impl Canvas {
    fn cover(&mut self, [left, top, right, bottom]: [f64; 4]) {
        let [a, b, c, d] = self.bounds.unwrap_or([left, top, right, bottom]);
        self.bounds = Some([a.min(left), b.min(top), c.max(right), d.max(bottom)]);
    }

    fn rect(&mut self, rect: Rect, radius: u32, attributes: &str) {
        let Rect {
            x,
            y,
            width,
            height,
        } = rect;
        self.cover([x, y, x + width, y + height]);
        self.line(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{radius}\" {attributes}/>",
            number(x),
            number(y),
            number(width),
            number(height)
        ));
    }

    fn text(&mut self, [x, y]: [f64; 2], size: u32, attributes: &str, words: &str) {
        self.line(format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{size}\" {attributes}>{}</text>",
            number(x),
            number(y),
            escape(words)
        ));
    }

    fn line(&mut self, words: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.body, "{words}");
    }

    pub(super) fn card(
        &mut self,
        rect: Rect,
        title: &str,
        kind: &str,
        category: Option<Category>,
        is_disabled: bool,
    ) {
        let look = if category.is_none() {
            "fill=\"#fff7ed\" stroke=\"#9a5b13\" stroke-dasharray=\"4 3\""
        } else if is_disabled {
            "fill=\"#f1f2f5\" stroke=\"#7a8194\" stroke-dasharray=\"4 3\""
        } else {
            "fill=\"#ffffff\" stroke=\"#aab0bf\""
        };
        self.rect(rect, 10, look);
        let middle = rect.y + rect.height / 2.0;
        self.line(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"9\" fill=\"{}\"/>",
            number(rect.x + 24.0),
            number(middle),
            colour(category)
        ));
        let ink = if is_disabled { QUIET } else { INK };
        let left = rect.x + 44.0;
        let bold = format!("fill=\"{ink}\" font-weight=\"600\"");
        self.text([left, middle - 3.0], 14, &bold, &cut(title, 22));
        let note = if is_disabled {
            format!("{kind} (disabled)")
        } else {
            kind.to_owned()
        };
        self.text(
            [left, middle + 15.0],
            12,
            &format!("fill=\"{QUIET}\""),
            &cut(&note, 25),
        );
    }

    pub(super) fn container(&mut self, rect: Rect, title: &str, kind: &str, is_disabled: bool) {
        let dash = if is_disabled {
            " stroke-dasharray=\"4 3\""
        } else {
            ""
        };
        self.rect(
            rect,
            12,
            &format!("fill=\"#f4f5fb\" stroke=\"#8b90c9\"{dash}"),
        );
        let room = (rect.width / 8.0) as usize;
        let at = [rect.x + 16.0, rect.y + 27.0];
        let words = cut(title, room.saturating_sub(kind.chars().count() + 6));
        self.line(format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"14\" fill=\"{INK}\" font-weight=\"600\">{}<tspan dx=\"8\" font-size=\"12\" font-weight=\"400\" fill=\"{QUIET}\">{}</tspan></text>",
            number(at[0]), number(at[1]), escape(&words), escape(kind)
        ));
    }

    pub(super) fn port(&mut self, [x, y]: [f64; 2], title: &str, is_wide: bool) {
        self.line(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"4.5\" fill=\"#ffffff\" stroke=\"#4a47c0\" stroke-width=\"1.5\"/>",
            number(x), number(y)
        ));
        let words = cut(title, if is_wide { 16 } else { 10 });
        self.cover([x, y, x + 12.0 + 6.5 * words.chars().count() as f64, y]);
        let attributes = format!(
            "fill=\"{QUIET}\" stroke=\"#fbfbfd\" stroke-width=\"3\" paint-order=\"stroke\""
        );
        self.text([x + 9.0, y - 5.0], 11, &attributes, &words);
    }

    pub(super) fn edge(&mut self, from: [f64; 2], to: [f64; 2], on: Option<On>, words: &str) {
        let reach = ((to[0] - from[0]).abs() / 2.0).clamp(40.0, 160.0);
        let lead = if on == Some(On::Error) {
            [from[0], from[1] + reach]
        } else {
            [from[0] + reach, from[1]]
        };
        let (colour, dash) = match on {
            None => (LINE, ""),
            Some(On::Error) => (ERROR, " stroke-dasharray=\"6 4\""),
            Some(On::Always) => (LINE, " stroke-dasharray=\"2 3\""),
        };
        self.cover([
            from[0].min(to[0] - reach),
            from[1].min(to[1]),
            lead[0].max(to[0]),
            lead[1].max(to[1]),
        ]);
        self.line(format_args!(
            "<path d=\"M{} {}C{} {} {} {} {} {}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"{dash}/>",
            number(from[0]), number(from[1]), number(lead[0]), number(lead[1]),
            number(to[0] - reach), number(to[1]), number(to[0] - 7.0), number(to[1])
        ));
        self.line(format_args!(
            "<path d=\"M{0} {1}l-8 -4.5v9z\" fill=\"{colour}\"/>",
            number(to[0] - 1.0),
            number(to[1])
        ));
        let words = match (on, words) {
            (Some(On::Error), "") => "on error",
            (Some(On::Always), "") => "always",
            (_, words) => words,
        };
        if !words.is_empty() {
            let at = [(lead[0] + to[0]) / 2.0, (from[1] + to[1]) / 2.0 - 6.0];
            let attributes = format!(
                "fill=\"{}\" text-anchor=\"middle\" stroke=\"#fbfbfd\" stroke-width=\"3\" paint-order=\"stroke\"",
                if on == Some(On::Error) { ERROR } else { QUIET }
            );
            self.text(at, 11, &attributes, &cut(words, 32));
        }
    }

    pub(super) fn note(&mut self, rect: Rect, lines: &[String]) {
        self.rect(rect, 6, "fill=\"#fff9db\" stroke=\"#d9c56b\"");
        let most = ((rect.height - 16.0) / 17.0).max(1.0) as usize;
        let room = ((rect.width - 20.0) / 6.6).max(4.0) as usize;
        for (index, words) in lines
            .iter()
            .flat_map(|line| wrap(line, room))
            .take(most)
            .enumerate()
        {
            let at = [rect.x + 10.0, rect.y + 21.0 + 17.0 * index as f64];
            self.text(at, 12, &format!("fill=\"{INK}\""), &words);
        }
    }

    /// The whole picture, with `margin` around everything.
    pub(super) fn finish(mut self, title: &str, margin: f64) -> String {
        if self.bounds.is_none() {
            self.cover([0.0, 0.0, 320.0, 120.0]);
            self.text(
                [160.0, 64.0],
                14,
                &format!("fill=\"{QUIET}\" text-anchor=\"middle\""),
                "No steps yet",
            );
        }
        let [left, top, right, bottom] = self.bounds.unwrap_or_default();
        let (x, y) = (number(left - margin), number(top - margin));
        let (width, height) = (
            number(right - left + 2.0 * margin),
            number(bottom - top + 2.0 * margin),
        );
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{x} {y} {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" font-family=\"{FONT}\">\n<title>{}</title>\n<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"#fbfbfd\"/>\n{}</svg>\n",
            escape(title),
            self.body
        )
    }
}

const fn colour(category: Option<Category>) -> &'static str {
    match category {
        None => "#9a5b13",
        Some(Category::Data) => "#1f6feb",
        Some(Category::Quality) => "#0f7b55",
        Some(Category::Flow) => "#4a47c0",
        Some(Category::People) => "#a03d8f",
        Some(Category::Time) => "#8a6100",
        Some(Category::Systems) => "#3f4a5f",
        Some(Category::Messages) => "#b4481e",
    }
}

/// At most two decimals, and none where it is whole.
fn number(n: f64) -> String {
    let rounded = (n * 100.0).round() / 100.0;
    // No negative zero.
    format!("{}", if rounded == 0.0 { 0.0 } else { rounded })
}

/// At most `most` characters.
fn cut(words: &str, most: usize) -> String {
    if words.chars().count() <= most {
        return words.to_owned();
    }
    let kept: String = words.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Lines of at most `room` characters, broken between words where possible.
fn wrap(line: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > room {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&cut(word, room));
        }
    }
    lines
}

/// Text for XML. Characters that XML does not allow are left out.
fn escape(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if (c as u32) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}
