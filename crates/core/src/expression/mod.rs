//! JSONata in `{% … %}`.
