//! Human-readable text.

use crate::report::format::Format;

pub(super) static FORMAT: Format = Format {
    name: "text",
    about: "Human-readable text",
    findings_only: false,
    render: |report, colour| report.text(colour),
};
