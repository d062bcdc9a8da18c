package main

import (
	"debug/buildinfo"
	"encoding/json"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// bom is a CycloneDX 1.6 document, as far as we fill it (https://cyclonedx.org/docs/1.6/json/).
type bom struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}

// sbom lists what a program was built from, as the toolchain noted it in the program: its modules with the sums of
// go.sum, and the standard library.
func sbom(info *buildinfo.BuildInfo, at time.Time) ([]byte, error) {
	own := moduleOf("application", &info.Main)
	for _, key := range []string{"vcs.revision", "vcs.modified", "GOOS", "GOARCH", "CGO_ENABLED"} {
		if value := setting(info, key); value != "" {
			own.Properties = append(own.Properties, property{"go:build:" + key, value})
		}
	}
	components := []component{moduleOf("library", &debug.Module{Path: "std", Version: strings.TrimPrefix(info.GoVersion, "go")})}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		components = append(components, moduleOf("library", m))
	}
	slices.SortFunc(components, func(a, b component) int { return strings.Compare(a.Ref, b.Ref) })
	refs := make([]string, len(components))
	for i, c := range components {
		refs[i] = c.Ref
	}
	text, err := json.MarshalIndent(bom{
		Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata:   metadata{at.UTC().Format(time.RFC3339), own},
		Components: components, Dependencies: []dependency{{own.Ref, refs}},
	}, "", "  ")
	return append(text, '\n'), err
}

// moduleOf names a module by its package URL; names are in lower case there, and a plus in a version is escaped.
func moduleOf(kind string, m *debug.Module) component {
	purl := "pkg:golang/" + strings.ToLower(m.Path) + "@" + url.QueryEscape(m.Version)
	c := component{Type: kind, Ref: purl, Name: m.Path, Version: m.Version, PURL: purl}
	if m.Sum != "" {
		c.Properties = []property{{"go:sum", m.Sum}}
	}
	return c
}
