//! `lazaret doctor`: what is in order, what is not, and how to mend it.

use std::process::ExitCode;

use super::Context;
use crate::{
    error::Result,
    text::doctor as text,
    upkeep::doctor::{self, Finding, Level},
};

#[derive(Debug, clap::Args)]
#[command(after_help = text::DOCTOR_HELP)]
pub(super) struct Args {
    /// Only what is not in order
    #[arg(long, short)]
    quiet: bool,
}

pub(super) async fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let mut findings = doctor::examine(&context.config).await;
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
    if args.quiet {
        findings.retain(|finding| finding.level != Level::Ok);
    }
    context.out.result(&findings, |findings| for_people(findings, worst));
    Ok(if worst == Level::Problem { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn for_people(findings: &[Finding], worst: Level) -> String {
    let mut lines: Vec<String> = findings.iter().map(one).collect();
    lines.push(
        match worst {
            Level::Ok => "all is well",
            Level::Warning => "it works; look at what is marked with !",
            Level::Problem => "something does not work; look at what is marked with X",
        }
        .to_owned(),
    );
    lines.join("\n")
}

fn one(finding: &Finding) -> String {
    let mark = match finding.level {
        Level::Ok => "ok",
        Level::Warning => " !",
        Level::Problem => " X",
    };
    let mut text = format!("{mark} {:<10} {}", finding.topic, finding.found);
    for more in [finding.means.clone(), finding.mend.as_ref().map(|mend| format!("→ {mend}"))] {
        for line in more.iter().flat_map(|more| more.lines()) {
            text.push_str("\n              ");
            text.push_str(line);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_says_what_it_means_and_how_to_mend_it() {
        let finding = |level, means: Option<&str>, mend: Option<&str>| Finding {
            topic: "home".to_owned(),
            level,
            found: "it has mode 755".to_owned(),
            means: means.map(str::to_owned),
            mend: mend.map(str::to_owned),
        };
        let findings = [
            finding(Level::Ok, None, None),
            finding(Level::Warning, Some("others may enter"), Some("chmod 700 /srv/home")),
        ];
        insta::assert_snapshot!(for_people(&findings, Level::Warning), @r"
        ok home       it has mode 755
         ! home       it has mode 755
                      others may enter
                      → chmod 700 /srv/home
        it works; look at what is marked with !
        ");
    }
}
