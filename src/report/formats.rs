//! The report formats, one file each. To add one, write its file and add a line to the table below.

use super::format::Format;

macro_rules! formats {
    ($($module:ident,)*) => {
        $(mod $module;)*

        /// Every format, in the order in which `--help` lists them.
        pub const ALL: &[&Format] = &[$(&$module::FORMAT),*];
    };
}

formats! {
    text,
    json,
    github,
    junit,
}

/// Returns the format of that name.
pub fn named(name: &str) -> Option<&'static Format> {
    ALL.iter().copied().find(|format| format.name == name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::error::{Diagnostic, Place, codes};
    use crate::report::Report;
    use crate::report::diagnostic::{Colour, render};

    struct Findings(Vec<Diagnostic>);

    impl Report for Findings {
        fn command(&self) -> &'static str {
            "check"
        }
        fn text(&self, colour: Colour) -> String {
            render(&self.0, colour)
        }
        fn json(&self) -> Json {
            json!({ "number": self.0.len() })
        }
        fn findings(&self) -> Vec<Diagnostic> {
            self.0.clone()
        }
    }

    fn print(report: &Findings, format: &str) -> String {
        (named(format).unwrap().render)(report, Colour::Never)
    }

    #[test]
    fn a_finding_in_every_format() {
        let place = Place { file: "a,b.sql".into(), text: "x\ny".into(), span: 2..3 };
        let finding = Diagnostic::new(codes::REVISION, "50% <of> \"it\"").at(place).help("do\nit");
        let report = Findings(vec![finding]);
        assert_eq!(
            print(&report, "github"),
            "::error file=a%2Cb.sql,line=2,col=1,title=SD030::50%25 <of> \"it\"%0Aa,b.sql:2:1%0Ahelp: do%0Ait\n"
        );
        assert!(print(&report, "junit").contains("name=\"50% &lt;of&gt; &quot;it&quot;\""));
        assert_eq!(print(&report, "json"), "{\n  \"number\": 1\n}\n");
        assert!(print(&report, "text").starts_with("error[SD030]: 50%"));
    }

    #[test]
    fn junit_without_findings_has_one_passed_test() {
        assert!(print(&Findings(Vec::new()), "junit").contains("tests=\"1\" failures=\"0\""));
    }
}
