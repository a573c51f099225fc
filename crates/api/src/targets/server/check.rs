//! Whether work can be taken at another Baton: reached, the same version, a good token, roles, clock, certificate.

use baton_core::Millis;

use crate::caller::{Caller, Role};
use crate::catalog::{AppInfo, Nothing};
use crate::error::Code;
use crate::figures::ReadyView;
use crate::remote::{Hello, Remote, RemoteError};
use crate::targets::{TargetAbilities, TargetChecked, TargetFinding};

const DAY: Millis = 86_400_000;
/// Within so many days before its end, a certificate is spoken of.
const RENEW: Millis = 14;
/// A difference of clocks that people notice.
const CLOCKS: Millis = 60_000;

/// Looks at everything that can be looked at.
pub(super) async fn look(remote: &Remote, now: Millis) -> TargetChecked {
    let mut checked = TargetChecked {
        ok: false,
        findings: Vec::new(),
        can: TargetAbilities {
            reset: false,
            pause: true,
            person: None,
        },
    };
    let hello = match remote.hello().await {
        Ok(hello) => hello,
        Err(error) => {
            checked.findings.push(as_finding(error));
            return checked;
        }
    };
    checked.findings.push(TargetFinding::good(
        "reachable",
        format!("Baton {} answers at `{}`", hello.version, remote.url()),
    ));
    checked.findings.extend(about(&hello, now));
    match remote.call::<_, AppInfo>("app_info", &Nothing {}).await {
        Ok(info) => {
            checked.can.person = Some(info.person.clone());
            let caller = info.user.map_or(Caller::Owner, |user| user.caller());
            checked.ok = caller.may(Role::Run);
            checked.findings.extend(roles(&caller, &info.person));
        }
        Err(error) => {
            checked.findings.push(as_finding(error));
            return checked;
        }
    }
    match remote.call::<_, ReadyView>("ready_get", &Nothing {}).await {
        Ok(ready) => {
            checked.ok &= ready.is_ready;
            let obstacles = ready.obstacles.into_iter().map(|obstacle| {
                let message = format!("it takes no work now: {}", obstacle.message);
                let code = format!("not-ready-{}", obstacle.code);
                TargetFinding::bad(&code, message, "ask whoever runs the server")
            });
            checked.findings.extend(obstacles);
        }
        Err(error) => {
            checked.ok = false;
            checked.findings.push(as_finding(error));
        }
    }
    checked
}

fn as_finding(error: RemoteError) -> TargetFinding {
    let name = match error.error.code {
        Code::Unauthorized => "token",
        _ => error.name.unwrap_or("refused"),
    };
    let hint = match error.error.code {
        Code::Unauthorized => Some(
            "let an administrator of the server make a token: `baton users token NAME`".to_owned(),
        ),
        _ => error.error.hint,
    };
    TargetFinding {
        code: name.to_owned(),
        ok: false,
        message: error.error.message,
        hint,
    }
}

/// What the server says to anybody.
fn about(hello: &Hello, now: Millis) -> Vec<TargetFinding> {
    let mut found = Vec::new();
    let here = env!("CARGO_PKG_VERSION");
    if hello.version != here {
        found.push(TargetFinding::bad(
            "other-build",
            format!(
                "the server is Baton {}, this is Baton {here}",
                hello.version
            ),
            "most things work; use the same version on both sides if something is not understood",
        ));
    }
    if let Some(until) = hello.certificate_until {
        let days = (until - now).div_euclid(DAY);
        let renew = "whoever runs the server has to renew it; a running server takes the new one";
        found.push(match days {
            ..0 => TargetFinding::bad(
                "certificate-expired",
                format!(
                    "its certificate expired {} ago by the clock of this computer",
                    in_days(-days)
                ),
                renew,
            ),
            0..=RENEW => TargetFinding::bad(
                "certificate-expires",
                format!("its certificate expires in {}", in_days(days)),
                renew,
            ),
            _ => TargetFinding::good(
                "certificate",
                format!("its certificate is good for {}", in_days(days)),
            ),
        });
    }
    if let Some(at) = hello.at {
        let ahead = at - now;
        if ahead.abs() > CLOCKS {
            let which = if ahead > 0 { "ahead of" } else { "behind" };
            let minutes = (ahead.abs() + 30_000) / 60_000;
            let unit = if minutes == 1 { "minute" } else { "minutes" };
            found.push(TargetFinding::bad(
                "clock",
                format!("its clock is {minutes} {unit} {which} that of this computer"),
                "set the clock that is wrong: schedules and times of runs there differ from what you see here",
            ));
        }
    }
    found
}

fn in_days(days: Millis) -> String {
    match days {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// What the token allows.
fn roles(caller: &Caller, person: &str) -> Vec<TargetFinding> {
    let mut found = Vec::new();
    let words = match caller {
        Caller::Owner => "is its owner and may do everything".to_owned(),
        Caller::User { roles, .. } => {
            let words: Vec<&str> = roles.iter().map(|role| role.word()).collect();
            format!("may {}", words.join(", "))
        }
    };
    found.push(TargetFinding::good(
        "token",
        format!("the token is good: `{person}` {words}"),
    ));
    for (role, code, what) in [
        (Role::Run, "role-run", "start, cancel or pause runs"),
        (Role::Approve, "role-approve", "answer questions"),
        (
            Role::Edit,
            "role-edit",
            "start a workflow that was not pushed there before",
        ),
    ] {
        if !caller.may(role) {
            found.push(TargetFinding::bad(
                code,
                format!("`{person}` may not {what} there: that needs the role `{role}`"),
                "ask an administrator of the server for it, if you need it",
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(version: &str, at: Option<Millis>, until: Option<Millis>) -> Hello {
        Hello {
            version: version.to_owned(),
            at,
            certificate_until: until,
        }
    }

    fn codes(found: &[TargetFinding]) -> Vec<(&str, bool)> {
        let each = found.iter().map(|one| (one.code.as_str(), one.ok));
        each.collect()
    }

    #[test]
    fn version_clock_and_certificate_are_spoken_of_in_time() {
        let here = env!("CARGO_PKG_VERSION");
        let found = |hello| about(&hello, 100 * DAY);
        assert_eq!(
            codes(&found(hello(here, Some(100 * DAY + 59_000), None))),
            []
        );
        assert_eq!(
            codes(&found(hello("0.0.1", None, None))),
            [("other-build", false)]
        );
        let late = found(hello(here, Some(100 * DAY - 120_000), None));
        assert_eq!(codes(&late), [("clock", false)]);
        assert!(
            late[0].message.contains("2 minutes behind"),
            "{}",
            late[0].message
        );
        for (days, code, is_ok) in [
            (-3, "certificate-expired", false),
            (0, "certificate-expires", false),
            (14, "certificate-expires", false),
            (15, "certificate", true),
        ] {
            let until = Some((100 + days) * DAY + 1);
            assert_eq!(
                codes(&found(hello(here, None, until))),
                [(code, is_ok)],
                "{days}"
            );
        }
    }

    #[test]
    fn roles_that_are_missing_are_said() {
        let user = |list: &[Role]| Caller::User {
            name: "mia".to_owned(),
            roles: list.iter().copied().collect(),
        };
        let codes = |caller: &Caller| {
            let found = roles(caller, "mia");
            found.into_iter().map(|one| one.code).collect::<Vec<_>>()
        };
        assert_eq!(
            codes(&user(&[Role::View])),
            ["token", "role-run", "role-approve", "role-edit"]
        );
        assert_eq!(
            codes(&user(&[Role::Run, Role::Approve])),
            ["token", "role-edit"]
        );
        assert_eq!(codes(&user(&[Role::Admin])), ["token"]);
        assert_eq!(codes(&Caller::Owner), ["token"]);
    }
}
