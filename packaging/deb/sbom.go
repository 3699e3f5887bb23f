package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"
)

// An SPDX document, version 2.3, as far as it is needed: https://spdx.github.io/spdx-spec/v2.3.
type spdxDocument struct {
	Version       string             `json:"spdxVersion"`
	DataLicense   string             `json:"dataLicense"`
	ID            string             `json:"SPDXID"`
	Name          string             `json:"name"`
	Namespace     string             `json:"documentNamespace"`
	Creation      spdxCreation       `json:"creationInfo"`
	Packages      []spdxPackage      `json:"packages"`
	Relationships []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID        string         `json:"SPDXID"`
	Name      string         `json:"name"`
	Version   string         `json:"versionInfo"`
	Download  string         `json:"downloadLocation"`
	Analyzed  bool           `json:"filesAnalyzed"`
	Concluded string         `json:"licenseConcluded"`
	Declared  string         `json:"licenseDeclared"`
	Copyright string         `json:"copyrightText"`
	Comment   string         `json:"comment,omitempty"`
	Checksums []spdxChecksum `json:"checksums,omitempty"`
	External  []spdxExternal `json:"externalRefs,omitempty"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxExternal struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

// sbom returns the list of what a program contains and what it needs: the modules and the Go that it was built with, by what is written in
// its file, PHP if that is inside, and the packages that it depends on.
func sbom(p *product) ([]byte, error) {
	content, err := os.ReadFile(p.program)
	if err != nil {
		return nil, err
	}
	info, err := buildinfo.ReadFile(p.program)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	own := spdxPackage{ID: "SPDXRef-phpsapi", Name: p.name, Version: p.version, Declared: "Apache-2.0",
		Checksums: []spdxChecksum{{"SHA256", hex.EncodeToString(sum[:])}}, Comment: "The checksum is that of /usr/bin/phpsapi."}
	d := spdxDocument{Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: p.name + "-" + p.version,
		Namespace:     "https://github.com/phpsapi/phpsapi/spdx/" + p.name + "-" + p.version + "-" + hex.EncodeToString(sum[:8]),
		Creation:      spdxCreation{p.date.UTC().Format(time.RFC3339), []string{"Tool: phpsapi-packaging/deb"}},
		Relationships: []spdxRelationship{{"SPDXRef-DOCUMENT", "DESCRIBES", own.ID}}}
	d.Packages = append(d.Packages, own)
	add := func(a spdxPackage, relationship, reference string) {
		a.ID = "SPDXRef-" + notInID.ReplaceAllString(a.Name, "-")
		if reference != "" {
			a.External = []spdxExternal{{"PACKAGE-MANAGER", "purl", reference}}
		}
		d.Packages = append(d.Packages, a)
		d.Relationships = append(d.Relationships, spdxRelationship{own.ID, relationship, a.ID})
	}
	version := strings.TrimPrefix(strings.Fields(info.GoVersion)[0], "go")
	add(spdxPackage{Name: "stdlib", Version: version, Declared: "BSD-3-Clause"}, "CONTAINS", "pkg:golang/stdlib@"+version)
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		add(spdxPackage{Name: m.Path, Version: m.Version, Declared: p.licenses.of(m.Path + " " + m.Version)}, "CONTAINS",
			"pkg:golang/"+m.Path+"@"+m.Version)
	}
	for _, part := range p.licenses {
		if php, inside := strings.CutPrefix(part.name, "PHP "); inside {
			add(spdxPackage{Name: "php", Version: php, Declared: "PHP-3.01"}, "CONTAINS", "pkg:generic/php@"+php)
		}
	}
	for _, needed := range p.depends {
		// Of alternatives each may be the one.
		for alternative := range strings.SplitSeq(needed, "|") {
			name, _, _ := strings.Cut(strings.TrimSpace(alternative), " ")
			add(spdxPackage{Name: name, Version: "", Comment: "Depends: " + needed}, "DEPENDS_ON", "pkg:deb/debian/"+name)
		}
	}
	for i := range d.Packages {
		a := &d.Packages[i]
		a.Download, a.Copyright, a.Concluded = "NOASSERTION", "NOASSERTION", "NOASSERTION"
		if a.Declared == "" {
			a.Declared = "NOASSERTION"
		}
	}
	text, err := json.MarshalIndent(d, "", "  ")
	return append(text, '\n'), err
}

var notInID = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// licenses are the parts of what phpsapi version --licenses prints.
type licenses []licensed

type licensed struct{ name, text string }

func readLicenses(text string) (all licenses, err error) {
	_, rest, found := strings.Cut(text, "\n==== ")
	for found {
		var part, name string
		part, rest, found = strings.Cut(rest, "\n==== ")
		name, part, _ = strings.Cut(part, "\n")
		all = append(all, licensed{name, strings.TrimSpace(part)})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("it prints no licences, but %q", text[:min(100, len(text))])
	}
	return all, nil
}

// of returns the SPDX identifier of a part's licence; empty: it is none of those that are known.
func (l licenses) of(name string) string {
	for _, part := range l {
		if part.name != name {
			continue
		}
		for _, known := range []struct{ id, words string }{
			{"Apache-2.0", "Apache License"},
			{"MPL-2.0", "Mozilla Public License"},
			{"MIT", "Permission is hereby granted, free of charge"},
			{"BSD-3-Clause", "endorse or promote products"},
			{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
		} {
			if strings.Contains(part.text, known.words) {
				return known.id
			}
		}
	}
	return ""
}
