//! One JSON document.

use crate::report::format::Format;

pub(super) static FORMAT: Format = Format {
    name: "json",
    about: "One JSON document",
    findings_only: false,
    render: |report, _| format!("{:#}\n", report.json()),
};
