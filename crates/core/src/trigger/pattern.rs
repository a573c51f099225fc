//! Patterns of file names: `*`, `?`, `[a-z]`, `{csv,txt}`, and `**` for any folders. Takes time in proportion to pattern
//! and name, whatever they are.

/// The longest pattern.
const LENGTH: usize = 256;
/// How many patterns one with `{…}` and `**/` may stand for.
const ALTERNATIVES: usize = 64;

/// Which names count. A pattern with a `/` is about the path below the folder, one without about the name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePattern {
    text: String,
    alternatives: Vec<Vec<Token>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// This character.
    Is(char),
    /// One character, no `/`.
    One,
    /// One of these, or none of these.
    In(Vec<(char, char)>, bool),
    /// Any characters, no `/`.
    Some,
    /// Any characters.
    Deep,
}

impl FilePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("the pattern is empty, so no file counts".to_owned());
        }
        if text.len() > LENGTH {
            return Err(format!(
                "the pattern has {} characters; {LENGTH} are allowed",
                text.len()
            ));
        }
        let mut alternatives = Vec::new();
        for plain in braces(text)? {
            tokens(&plain, text, &mut alternatives)?;
            if alternatives.len() > ALTERNATIVES {
                return Err(format!(
                    "`{text}` stands for more than {ALTERNATIVES} patterns"
                ));
            }
        }
        Ok(Self {
            text: text.to_owned(),
            alternatives,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a path below the folder counts. Names that begin with a dot are hidden, and count only for a pattern whose
    /// name begins with one.
    pub fn matches(&self, path: &str) -> bool {
        let name = name_of(path);
        if name.starts_with('.') && !name_of(&self.text).starts_with('.') {
            return false;
        }
        let subject = if self.text.contains('/') { path } else { name };
        self.alternatives.iter().any(|tokens| fits(tokens, subject))
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// All patterns that one with `{a,b}` stands for.
fn braces(text: &str) -> Result<Vec<String>, String> {
    let mut all = vec![String::new()];
    let mut inside: Option<Vec<String>> = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, &mut inside) {
            ('\\', _) => {
                let Some(next) = characters.next() else {
                    return Err(format!(
                        "`{text}` ends in a `\\` without a character after it"
                    ));
                };
                let escaped = ['\\', next];
                match &mut inside {
                    Some(words) => words
                        .last_mut()
                        .into_iter()
                        .for_each(|word| word.extend(escaped)),
                    None => all.iter_mut().for_each(|one| one.extend(escaped)),
                }
            }
            ('{', None) => inside = Some(vec![String::new()]),
            ('{', Some(_)) => return Err(format!("`{text}` has a `{{` in a `{{`")),
            (',', Some(words)) => words.push(String::new()),
            ('}', Some(words)) => {
                let mut longer = Vec::new();
                for one in &all {
                    for word in &*words {
                        longer.push(format!("{one}{word}"));
                    }
                }
                if longer.len() > ALTERNATIVES {
                    return Err(format!(
                        "`{text}` stands for more than {ALTERNATIVES} patterns"
                    ));
                }
                all = longer;
                inside = None;
            }
            (c, Some(words)) => words.last_mut().into_iter().for_each(|word| word.push(c)),
            (c, None) => all.iter_mut().for_each(|one| one.push(c)),
        }
    }
    if inside.is_some() {
        return Err(format!("`{text}` has a `{{` without a `}}`"));
    }
    Ok(all)
}

/// Reads a pattern without braces; `**/` stands for two, since there may be no folder at all.
fn tokens(plain: &str, text: &str, all: &mut Vec<Vec<Token>>) -> Result<(), String> {
    let mut open = vec![Vec::new()];
    let characters: Vec<char> = plain.chars().collect();
    let mut at = 0;
    while let Some(&c) = characters.get(at) {
        let is_first = at == 0 || characters[at - 1] == '/';
        let rest = &characters[at..];
        at += 1;
        let token = match c {
            '*' if is_first && rest.starts_with(&['*', '*', '/']) => {
                at += 2;
                let deep = open.clone().into_iter().map(|mut tokens: Vec<Token>| {
                    tokens.extend([Token::Deep, Token::Is('/')]);
                    tokens
                });
                open.extend(deep.collect::<Vec<_>>());
                if open.len() > ALTERNATIVES {
                    return Err(format!(
                        "`{text}` stands for more than {ALTERNATIVES} patterns"
                    ));
                }
                continue;
            }
            '*' if is_first && rest == ['*', '*'] => {
                at += 1;
                Token::Deep
            }
            '*' => Token::Some,
            '?' => Token::One,
            '[' => {
                let (token, length) = class(rest, text)?;
                at += length - 1;
                token
            }
            '\\' => {
                at += 1;
                Token::Is(rest.get(1).copied().unwrap_or('\\'))
            }
            c => Token::Is(c),
        };
        for tokens in &mut open {
            tokens.push(token.clone());
        }
    }
    all.extend(open);
    Ok(())
}

/// `[a-z]`, `[!a-z]`; and how many characters it takes.
fn class(rest: &[char], text: &str) -> Result<(Token, usize), String> {
    let unclosed = || format!("`{text}` has a `[` without a `]`");
    let is_not = matches!(rest.get(1), Some('!' | '^'));
    let mut at = if is_not { 2 } else { 1 };
    let first = at;
    let mut ranges = Vec::new();
    loop {
        let low = *rest.get(at).ok_or_else(unclosed)?;
        if low == ']' && at > first {
            return Ok((Token::In(ranges, is_not), at + 1));
        }
        let high = match (rest.get(at + 1), rest.get(at + 2)) {
            (Some('-'), Some(&high)) if high != ']' => {
                at += 2;
                high
            }
            _ => low,
        };
        if high < low {
            return Err(format!(
                "`{text}` has the range `{low}-{high}`, which is empty"
            ));
        }
        ranges.push((low, high));
        at += 1;
    }
}

/// Walks all ways at once.
fn fits(tokens: &[Token], subject: &str) -> bool {
    let mut here = vec![false; tokens.len() + 1];
    here[0] = true;
    skip(tokens, &mut here);
    for c in subject.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| here[*at]) {
            match token {
                Token::Is(own) => next[at + 1] |= *own == c,
                Token::One => next[at + 1] |= c != '/',
                Token::In(ranges, is_not) => {
                    let is_in = ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
                    next[at + 1] |= c != '/' && is_in != *is_not;
                }
                Token::Some => next[at] |= c != '/',
                Token::Deep => next[at] = true,
            }
        }
        skip(tokens, &mut next);
        here = next;
    }
    here[tokens.len()]
}

/// What may stand for nothing is passed over.
fn skip(tokens: &[Token], here: &mut [bool]) {
    for (at, token) in tokens.iter().enumerate() {
        if here[at] && matches!(token, Token::Some | Token::Deep) {
            here[at + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_about_names_or_paths() {
        for (pattern, path, counts) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "deep/er/a.csv", true),
            ("*.csv", "a.csv.part", false),
            ("*.{csv,txt}", "a.txt", true),
            ("*.{csv,txt}", "a.xls", false),
            ("{a,b}{1,2}", "b1", true),
            ("report-??.csv", "report-01.csv", true),
            ("report-??.csv", "report-1.csv", false),
            ("in/*.csv", "in/a.csv", true),
            ("in/*.csv", "in/x/a.csv", false),
            ("**/x/*.csv", "in/x/a.csv", true),
            ("**/x/*.csv", "x/a.csv", true),
            ("**/*.csv", "a.csv", true),
            ("in/**", "in/x/y", true),
            ("in/**", "out/x", false),
            ("*", ".baton-1.tmp", false),
            ("**/*", "x/.hidden", false),
            (".*", ".hidden", true),
            ("[!a]*", "b.txt", true),
            ("[!a]*", "a.txt", false),
            ("[]x]", "]", true),
            ("[a-c0-9]?", "b1", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("Übung*.csv", "Übung 1.csv", true),
            ("a**b", "axxb", true),
        ] {
            let parsed = FilePattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(path), counts, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for (pattern, part) in [
            ("", "empty"),
            ("[a", "without a `]`"),
            ("{a,b", "without a `}`"),
            ("{a,{b}}", "in a `{`"),
            ("a\\", "ends in"),
            ("[z-a]", "empty"),
        ] {
            let message = FilePattern::parse(pattern).unwrap_err();
            assert!(message.contains(part), "{pattern}: {message}");
        }
        assert!(FilePattern::parse(&"x".repeat(300)).is_err());
        assert!(FilePattern::parse(&"{a,b}".repeat(20)).is_err());
        assert!(FilePattern::parse(&"**/".repeat(20)).is_err());
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern = FilePattern::parse(&"*a".repeat(100)).unwrap();
        assert!(!pattern.matches(&"a".repeat(4_000).replace("aaaa", "aaab")[..99]));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(4_000))));
    }
}
