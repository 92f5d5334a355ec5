//! Judgements of what a MongoDB tells of itself, for states that no test brings a real one into.

use super::*;
use crate::doctor::diagnosis::Verdict;
use mongodb::bson::DateTime;

/// The one thing that is not good, and what to do about it.
fn complaint(judge: impl FnOnce(&mut Diagnosis)) -> Option<(Verdict, String)> {
    let mut diagnosis = Diagnosis::default();
    judge(&mut diagnosis);
    let mut bad = diagnosis.findings.into_iter().filter(|finding| finding.verdict != Verdict::Good);
    let first = bad.next().map(|finding| {
        assert!(finding.remedy.is_some_and(|remedy| remedy.len() > 20));
        (finding.verdict, finding.found)
    });
    assert!(bad.next().is_none());
    first
}

fn member(name: &str, state: &str, written_s: i64) -> Document {
    doc! { "name": name, "stateStr": state, "optimeDate": DateTime::from_millis(written_s * 1000) }
}

#[test]
fn a_set_without_a_majority_or_with_a_member_that_is_down_or_behind_is_named() {
    let judge = |members: Vec<Document>| {
        complaint(|diagnosis| judge_members(&doc! { "members": members }, diagnosis))
    };
    let (primary, second) = (member("a:1", "PRIMARY", 100), member("b:1", "SECONDARY", 100));
    assert_eq!(judge(vec![primary.clone(), second.clone(), member("c:1", "SECONDARY", 99)]), None);
    let (verdict, found) =
        judge(vec![primary.clone(), second.clone(), member("c:1", "(not reachable/healthy)", 0)]).unwrap();
    assert!(verdict == Verdict::Warning && found.contains("c:1"), "{found}");
    let gone = |name| member(name, "(not reachable/healthy)", 0);
    let (verdict, found) = judge(vec![primary.clone(), gone("b:1"), gone("c:1")]).unwrap();
    assert!(verdict == Verdict::Wrong && found.contains("no majority"), "{found}");
    let (verdict, found) = judge(vec![primary.clone(), second, member("c:1", "SECONDARY", 60)]).unwrap();
    assert!(verdict == Verdict::Warning && found.contains("c:1 is 40 s behind"), "{found}");
    assert_eq!(judge(vec![primary]).unwrap().0, Verdict::Warning);
}

#[test]
fn a_full_disk_an_old_version_a_long_election_and_a_wrong_clock_are_named() {
    let disk = |used: i64| {
        complaint(|diagnosis| {
            judge_disk(&doc! { "fsUsedSize": used << 30, "fsTotalSize": 100_i64 << 30 }, diagnosis)
        })
    };
    assert_eq!(disk(50), None);
    assert_eq!(disk(90).unwrap(), (Verdict::Warning, "10 % of 100 GiB are free".to_owned()));
    assert_eq!(disk(97).unwrap().0, Verdict::Wrong);
    assert_eq!(complaint(|diagnosis| judge_version("8.0.4", diagnosis)), None);
    assert_eq!(complaint(|diagnosis| judge_version("5.0.2", diagnosis)).unwrap().0, Verdict::Wrong);
    let election = |ms: i32| {
        let answer = doc! { "config": { "settings": { "electionTimeoutMillis": ms } } };
        complaint(|diagnosis| judge_election(&answer, diagnosis))
    };
    assert_eq!(election(2000), None);
    assert_eq!(election(10_000).unwrap().0, Verdict::Warning);
    assert_eq!(complaint(|diagnosis| judge_clock("clock", -4000, diagnosis)), None);
    let (_, found) = complaint(|diagnosis| judge_clock("clock", -61_000, diagnosis)).unwrap();
    assert_eq!(found, "61 s behind this machine's");
}

#[test]
fn a_server_without_a_primary_is_told_apart_from_one_that_is_none() {
    let answered = |hello: Document| vec![("a:27017".to_owned(), hello)];
    let found = |set, answered: &[(String, Document)]| judge_silence(set, 3, answered).0;
    assert!(found(Some("rs0"), &[]).contains("no host"));
    assert!(found(Some("rs0"), &answered(doc! { "ok": 1 })).contains("stand-alone"));
    assert!(found(Some("rs0"), &answered(doc! { "isreplicaset": true })).contains("not initiated"));
    let other = answered(doc! { "setName": "rs1" });
    assert!(judge_silence(Some("rs0"), 3, &other).1.contains("replicaSet=rs1"));
    assert!(found(Some("rs1"), &other).contains("no primary; 1 of 3 hosts"));
}
