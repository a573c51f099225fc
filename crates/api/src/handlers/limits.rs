//! Limits: reading and changing them, raising a budget, the room on the disk.

use baton_core::document::is_slug;
use baton_core::machine::{Allowance, Budget};
use baton_core::size::format_bytes;
use baton_engine as engine;
use baton_store::Store;

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::limits::{
    DiskLevel, DiskLimits, DiskView, EngineLimits, LimitsView, RateLimit, ResourceLimits, RunRaise,
};

/// The key that the limits are kept under.
const LIMITS: &str = "limits";

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            run: Allowance::default(),
            concurrency: engine::WorkLimits::default().concurrency,
            kinds: Default::default(),
            resources: Default::default(),
            disk: DiskLimits::default(),
        }
    }
}

impl Default for DiskLimits {
    fn default() -> Self {
        Self::from(engine::Watermarks::default())
    }
}

impl From<engine::Watermarks> for DiskLimits {
    fn from(marks: engine::Watermarks) -> Self {
        Self {
            warn: marks.warn,
            warn_percent: marks.warn_percent,
            pause: marks.pause,
            read_only: marks.read_only,
            ballast: marks.ballast,
        }
    }
}

impl EngineLimits {
    /// Those that the engine keeps to.
    pub(crate) fn work(&self) -> engine::WorkLimits {
        let resource = |limits: &ResourceLimits| engine::ResourceLimit {
            parallel: limits.parallel,
            rate: limits.rate.as_ref().map(|rate| engine::Rate {
                count: rate.count,
                per_ms: i64::from(rate.per_ms),
            }),
        };
        engine::WorkLimits {
            concurrency: self.concurrency,
            kinds: self.kinds.clone(),
            resources: self
                .resources
                .iter()
                .map(|(name, limits)| (name.clone(), resource(limits)))
                .collect(),
        }
    }

    /// Those of the disk.
    pub(crate) fn marks(&self) -> engine::Watermarks {
        engine::Watermarks {
            warn: self.disk.warn,
            warn_percent: self.disk.warn_percent,
            pause: self.disk.pause,
            read_only: self.disk.read_only,
            ballast: self.disk.ballast,
        }
    }
}

/// The limits that a data folder keeps, or `None` if nobody changed them.
pub(crate) async fn kept(store: &Store) -> Result<Option<EngineLimits>, ApiError> {
    let kept = store.setting(LIMITS).await?;
    Ok(kept
        .map(serde_json::from_value)
        .transpose()
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "the limits cannot be read and are as built in");
            None
        }))
}

fn built_in(app: &App) -> EngineLimits {
    EngineLimits {
        run: Allowance::BUILT_IN,
        concurrency: app.config().concurrency,
        ..EngineLimits::default()
    }
}

async fn view(app: &App) -> Result<LimitsView, ApiError> {
    let built_in = built_in(app);
    let fallback = || EngineLimits {
        run: Allowance::default(),
        ..built_in.clone()
    };
    Ok(LimitsView {
        limits: kept(app.store()).await?.unwrap_or_else(fallback),
        built_in,
    })
}

/// How much runs may use, and how much is carried out at a time.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn limits_get(app: &App, _: Nothing) -> Result<LimitsView, ApiError> {
    view(app).await
}

/// Changes the limits, all of them. What runs goes on; a run keeps the budgets that it began with.
///
/// # Errors
///
/// [`Code::BadRequest`] for limits that stop everything or contradict each other.
pub async fn limits_set(app: &App, request: EngineLimits) -> Result<LimitsView, ApiError> {
    check(app, &request)?;
    let value = serde_json::to_value(&request)
        .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
    app.store().setting_put(LIMITS, &value).await?;
    if let Some(engine) = app.running_engine() {
        engine.set_work_limits(request.work());
        engine.set_budgets(request.run.clone());
        engine.set_watermarks(request.marks());
    }
    view(app).await
}

fn check(app: &App, limits: &EngineLimits) -> Result<(), ApiError> {
    let wrong = |message: String, hint: &str| {
        Err(ApiError::new(Code::BadRequest, message).hint(hint.to_owned()))
    };
    let zero = Budget::ALL
        .into_iter()
        .find(|&budget| limits.run.get(budget) == Some(0));
    if zero.is_some() || limits.run.in_flight == Some(0) {
        return wrong(
            "a budget of 0 would stop every run at once".to_owned(),
            "write at least 1, or leave it out",
        );
    }
    if limits.concurrency == 0 {
        return wrong(
            "with 0 steps at a time nothing would ever run".to_owned(),
            "write at least 1",
        );
    }
    for (kind, count) in &limits.kinds {
        let known = app.catalog().find(kind);
        if known.is_none_or(|kind| kind.is_control) {
            return wrong(
                format!("there is no kind of task `{kind}`"),
                "`catalog_list` names them all",
            );
        }
        if *count == 0 {
            return wrong(
                format!("with 0 at a time no `{kind}` would ever run"),
                "write at least 1, or leave it out",
            );
        }
    }
    for (name, resource) in &limits.resources {
        if !is_slug(name) {
            return wrong(
                format!("`{name}` cannot be the name of a resource"),
                "start with a small letter; then small letters, digits and `_`",
            );
        }
        let is_zero = resource.parallel == Some(0)
            || resource
                .rate
                .as_ref()
                .is_some_and(|&RateLimit { count, per_ms }| count == 0 || per_ms == 0);
        if is_zero {
            return wrong(
                format!("with 0 no step could ever use `{name}`"),
                "write at least 1, or leave it out",
            );
        }
    }
    let DiskLimits {
        warn,
        warn_percent,
        pause,
        read_only,
        ballast,
    } = limits.disk;
    if !(read_only <= pause && pause <= warn) {
        return wrong(
            format!(
                "the marks of the disk are out of order: read-only {}, pause {}, warn {}",
                format_bytes(read_only),
                format_bytes(pause),
                format_bytes(warn)
            ),
            "warn first, then pause, then take nothing new",
        );
    }
    if warn_percent > 50 || ballast > 1 << 30 {
        return wrong(
            "the warning is at most at 50 percent, the ballast at most 1 GiB".to_owned(),
            "5 percent and 32 MiB are usual",
        );
    }
    Ok(())
}

/// Allows a run more of a budget; it goes on where it stood.
///
/// # Errors
///
/// [`Code::AlreadyEnded`] if it has ended, [`Code::BadRequest`] if that would not be more.
pub async fn run_raise(app: &App, request: RunRaise) -> Result<Nothing, ApiError> {
    let RunRaise { run, budget, limit } = request;
    app.engine()?
        .raise(&run, budget, limit, &app.person())
        .await?;
    Ok(Nothing {})
}

/// The room on the disk of the data folder.
///
/// # Errors
///
/// None.
pub async fn disk_get(app: &App, _: Nothing) -> Result<DiskView, ApiError> {
    let (state, marks) = match app.running_engine() {
        Some(engine) => (engine.disk(), engine.watermarks()),
        None => look(app).await?,
    };
    Ok(DiskView {
        level: match state.level {
            engine::DiskLevel::Ample => DiskLevel::Ample,
            engine::DiskLevel::Low => DiskLevel::Low,
            engine::DiskLevel::Paused => DiskLevel::Paused,
            engine::DiskLevel::ReadOnly => DiskLevel::ReadOnly,
        },
        dir: app.config().data_dir.display().to_string(),
        free: state.room.map(|room| room.free),
        total: state.room.map(|room| room.total),
        has_ballast: state.has_ballast,
        limits: marks.into(),
    })
}

/// Without an engine nothing is done about it, but it can be said.
async fn look(app: &App) -> Result<(engine::DiskState, engine::Watermarks), ApiError> {
    let limits = kept(app.store()).await?.unwrap_or_default();
    Ok((
        engine::disk_of(&app.config().data_dir, limits.marks()),
        limits.marks(),
    ))
}
