//! Text for people.

use crate::report::format::Format;

pub(super) static FORMAT: Format = Format {
    name: "text",
    about: "Text for people",
    findings_only: false,
    render: |report, colour| report.text(colour),
};
