#![allow(clippy::unwrap_used)]

use super::*;

#[track_caller]
fn expect(path: &str, text: &str, expected: ContentKind) {
    let path = RelPath::new(path);
    let language = Language::of_file(path.name());
    let found = kind(&path, language, text.as_bytes(), Policy::None, true);
    assert_eq!(found, expected, "{path}: {text:.60}");
}

#[test]
fn kinds_by_name_folder_and_content() {
    use ContentKind as Is;
    let long = "x=1;".repeat(2_000);
    let numbers = format!("const char x[] = {{{}}};", "0x00, 0xff,\n".repeat(3_000));
    let log = "- Fixed a fault.\n".repeat(1_000);
    let json = format!("[{}]", "{\"a\": 1},\n".repeat(3_000));
    for (path, text, expected) in [
        ("package-lock.json", "{}", Is::Lock),
        ("a/Cargo.lock", "version = 4", Is::Lock),
        ("go.sum", "x v1", Is::Lock),
        ("Gemfile.lock", "GEM", Is::Lock),
        ("web/app.min.js", "a", Is::Minified),
        ("web/app.js", &long, Is::Minified),
        ("web/app.js.map", "{}", Is::Minified),
        ("api_pb2.py", "x = 1", Is::Generated),
        ("api.pb.go", "package x", Is::Generated),
        ("locale/de/app.po", "msgid", Is::Translation),
        ("src/locales/de.json", "{}", Is::Translation),
        ("src/lang/parser.py", "x = 1", Is::Text),
        ("data.csv", "a,b", Is::Data),
        ("data.json", &json, Is::Data),
        ("package.json", "{\"name\": \"x\"}", Is::Text),
        ("events.ndjson", "{}", Is::Data),
        ("tests/fixtures/user.json", "{}", Is::Data),
        ("tests/fixtures/helper.py", "x = 1", Is::Text),
        ("tests/data/sherlock.txt", "x", Is::Data),
        ("src/data/notes.txt", "x", Is::Text),
        ("src/__snapshots__/a.test.js.snap", "x", Is::Data),
        ("dump.sql", "-- MySQL dump 10.13\nINSERT", Is::Data),
        ("schema.sql", "create table a (b int);", Is::Text),
        ("logo.svg", "<svg/>", Is::Picture),
        ("ca.crt", "-----BEGIN CERTIFICATE-----", Is::Certificate),
        ("keys/ca", "-----BEGIN PUBLIC KEY-----", Is::Certificate),
        ("third_party/zlib/zlib.h", "int x;", Is::Vendored),
        ("vendor/a/b.go", "package b", Is::Vendored),
        ("CHANGELOG.md", &log, Is::ChangeLog),
        ("docs/changes-2.0.rst", &log, Is::ChangeLog),
        ("debian/changelog", &log, Is::ChangeLog),
        ("NEWS", &log, Is::ChangeLog),
        ("LICENSE-MIT", "MIT License", Is::Licence),
        ("COPYING.LESSER", "GNU", Is::Licence),
        ("licenses/zlib.txt", "zlib", Is::Licence),
        ("license.py", "x = 1", Is::Text),
        ("licences/check.rs", "fn x() {}", Is::Text),
        ("a-1.0.dist-info/METADATA", "Name: a", Is::Generated),
        ("dist/app.js", "var a;", Is::Generated),
        ("dist/README.md", "# A", Is::Text),
        ("configure", "#!/bin/sh", Is::Vendored),
        ("CHANGELOG.md", "short", Is::Text),
        ("newsletter.md", &log, Is::Text),
        ("history.py", &log, Is::Text),
        ("src/main.rs", "fn main() {}", Is::Text),
        ("server.log", "x", Is::Data),
        ("vcpkg-lock.json", "{}", Is::Lock),
        ("opam.locked", "x", Is::Lock),
        ("nix/sources.json", "{}", Is::Lock),
        ("src/lock.py", "x = 1", Is::Text),
        ("src/sources.json", "{}", Is::Text),
        (".pnp.cjs", "x", Is::Generated),
        ("META.yml", "generated_by: x", Is::Generated),
        ("meta.yml", "name: x", Is::Text),
        (
            "A.java",
            "package a;\n\n@Generated(\"x\")\nclass A {}",
            Is::Generated,
        ),
        ("B.java", "class B {\n    // @Generated(\n}", Is::Text),
        ("i18n/de.ts", "export default {}", Is::Translation),
        ("lang/pt-BR/app.php", "<?php", Is::Translation),
        ("i18n/loader.ts", "x", Is::Text),
        ("src/de.ts", "x", Is::Text),
        ("a.ts", "<?xml?>\n<!DOCTYPE TS>\n<TS>", Is::Translation),
        ("res/values-de/strings.xml", "<resources/>", Is::Translation),
        ("messages_de.properties", "a=b", Is::Translation),
        ("x.map", "{\"version\":3}", Is::Minified),
        ("src/a.map", "x = 1", Is::Text),
        ("x.verified.txt", "x", Is::Data),
        ("i/a.ps", "%!PS", Is::Picture),
        ("external/zlib/a.c", "int z;", Is::Vendored),
        ("numbers.h", &numbers, Is::Data),
        ("few.h", "0x00, 0x01", Is::Text),
        ("NOTICE", "Copyright", Is::Licence),
        ("moc_window.cpp", "int a;", Is::Generated),
        ("moc_loader.py", "x = 1", Is::Text),
        ("requirements.lock.txt", "a==1", Is::Lock),
        ("dune.lock/a.pkg", "(version 1)", Is::Lock),
        ("package.nls.de.json", "{}", Is::Translation),
        ("res/strings/de.json", "{}", Is::Translation),
        ("src/strings/trim.json", "{}", Is::Text),
        (
            "ca.txt",
            "# Root\n-----BEGIN CERTIFICATE-----\nAA",
            Is::Certificate,
        ),
        ("tests/fixtures/README.md", "# Fixtures", Is::Text),
        ("vendor/README.md", "# A", Is::Vendored),
        ("src/dist/normal.ts", "export const a = 1;", Is::Text),
        ("dist/app.d.ts", "export const a: 1;", Is::Generated),
        ("a.vim", "\" Generated by x\nlet a = 1", Is::Generated),
        ("a.bat", "REM !!! DO NOT EDIT !!!\necho a", Is::Generated),
        ("a.md", "# Generated code\n\nText.", Is::Text),
        ("a.md", "# A\n\n- Generated code\n", Is::Text),
        ("a.md", "<!-- DO NOT EDIT -->\n# A", Is::Generated),
    ] {
        expect(path, text, expected);
    }
}

#[test]
fn a_file_is_generated_if_its_first_comment_says_so() {
    for text in [
        "// Code generated by protoc-gen-go. DO NOT EDIT.\npackage x\n",
        "# Generated by the protocol buffer compiler.  DO NOT EDIT!\n# source: a.proto\n",
        "/* automatically generated by rust-bindgen 0.59.1 */\n",
        "/**\n * Autogenerated by Thrift Compiler (0.9.1)\n *\n * DO NOT EDIT UNLESS YOU ARE SURE\n */\n",
        "// <auto-generated>\n//     This code was generated by a tool.\n",
        "/*\n * Copyright 2020 Somebody\n *\n * @generated SignedSource<<1>>\n */\n",
        "#!/bin/sh\n# This file was automatically generated. Do not edit.\n",
        "<?xml version=\"1.0\"?>\n<!-- This file is generated from x.y -->\n<a/>\n",
        "<!-- Generated by SVG tool -->\n<p>",
        "package a;\n\n// Generated from Expr.g4 by ANTLR 4.9\n",
        "# This file is automatically @generated by Cargo.\n",
        "# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.\n# yarn\n",
        "\n#line 1 \"x.rl\"\nint a;\n",
        "/* ANSI-C code produced by gperf version 3.1 */\n",
        "# Makefile.in generated by automake 1.16.1 from Makefile.am.\n",
        "/// Generated client implementations.\npub mod a {}\n",
        ".\\\" Generated by Pod::Man 2.28\n.TH A 1\n",
        "{-# OPTIONS_GHC -w #-}\n-- parser produced by Happy Version 1.19.9\n",
        "# coding: utf-8\n\"\"\"\n    Pets\n\n    Generated by OpenAPI Generator\n\"\"\"\nimport os\n",
        "import { x } from 'y';\n// This file was automatically generated and should not be edited.\n",
        "package a;\n\nimport b.C;\n\n/**\n * This class was generated by the JAX-WS RI.\n */\nclass A {}\n",
        "<!DOCTYPE HTML>\n<html lang=\"en\">\n<head>\n<!-- Generated by javadoc (17) on Mon -->\n",
        "-- DO NOT EDIT\nselect 1;\n",
        "/* ---- DO NOT MODIFY ---- */\n",
        "/* eslint-disable */\n/* tslint:disable */\n/**\n * NOTE: This class is auto generated by OpenAPI Generator\n */\n",
        "# NOTE: This file has been generated automatically, do not change it manually!\n",
    ] {
        expect("x.any", text, ContentKind::Generated);
    }
}

#[test]
fn a_generator_that_mentions_the_marker_is_no_generated_file() {
    for text in [
        "//! Writes bindings and marks them with `// @generated`.\nfn main() {}\n",
        "\"\"\"Generates files marked DO NOT EDIT.\"\"\"\nHEADER = '# Generated by me. DO NOT EDIT.'\n",
        "package main\n\nimport \"fmt\"\n\nconst head = `\n// Code generated by mygen. DO NOT EDIT.\n`\n",
        "HEADER = \"\"\"\\\n# Code generated by mygen. DO NOT EDIT.\n\"\"\"\n",
        "# Renders the header \"Code generated by x. DO NOT EDIT.\" into each file.\nx = 1\n",
        "/* The parser tells generated files from others. */\nint x;\n",
        "// Generates code from a schema.\nfn main() {}\n",
        "# Finds every @generated file.\nimport os\n",
        "\"\"\"Writes this:\n\n    // Code generated by x. DO NOT EDIT.\n\"\"\"\n",
        "import os\n\n# Generated by x: the names that are known.\nNAMES = []\n",
    ] {
        expect("gen.any", text, ContentKind::Text);
    }
}

#[test]
fn what_the_files_around_say_comes_first() {
    let path = RelPath::new("src/a.rs");
    let of = |policy, detect| kind(&path, None, b"// Generated by x\n", policy, detect);
    assert_eq!(of(Policy::None, true), ContentKind::Generated);
    assert_eq!(of(Policy::None, false), ContentKind::Text);
    assert_eq!(of(Policy::Source, true), ContentKind::DeclaredSource);
    assert_eq!(of(Policy::Withheld, false), ContentKind::Withheld);
}

#[test]
fn a_change_log_is_summarized_from_its_head() {
    let log = "- Fixed a fault.\n".repeat(1_000);
    let head = head(ContentKind::ChangeLog, log.as_bytes()).unwrap();
    assert!(
        head.len() < 7_000 && head.contains("fault.\n\n(Older"),
        "{head}"
    );
    assert_eq!(super::head(ContentKind::Text, log.as_bytes()), None);
    assert_eq!(super::head(ContentKind::ChangeLog, b"short"), None);
}
