package borders

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var (
	link    = regexp.MustCompile(`\]\(([^)#\s]*)(?:#([^)\s]+))?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	unsaid  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// links checks that what a document links to is there: the file, and the heading in it.
func links(root fs.FS) (wrong []string, err error) {
	err = walk(root, func(name string) error {
		if path.Ext(name) != ".md" || strings.Contains(name, "/testdata/") {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		for _, match := range link.FindAllStringSubmatch(inCode.ReplaceAllString(string(text), ""), -1) {
			to, anchor := path.Join(path.Dir(name), match[1]), match[2]
			if strings.Contains(match[1], ":") {
				continue // elsewhere
			}
			if match[1] == "" {
				to = name
			}
			if _, err := fs.Stat(root, to); err != nil {
				wrong = append(wrong, fmt.Sprintf("%s: there is no %s", name, match[1]))
			} else if anchor != "" && path.Ext(to) == ".md" {
				page, err := fs.ReadFile(root, to)
				if err != nil {
					return err
				}
				if !slices.Contains(anchors(string(page)), anchor) {
					wrong = append(wrong, fmt.Sprintf("%s: %s has no heading #%s", name, to, anchor))
				}
			}
		}
		return nil
	})
	return wrong, err
}

// anchors are the headings of a document as links name them.
func anchors(page string) (all []string) {
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		all = append(all, strings.ReplaceAll(unsaid.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return all
}

func TestLinks(t *testing.T) { report(t, links) }

func TestBrokenLinks(t *testing.T) {
	for text, want := range map[string]string{
		"[a](b.md) [c](b.md#what-is-b) [d](#here) [e](https://x/y)\n\n# Here\n": "",
		"[a](c.md)\n":         "docs/a.md: there is no c.md",
		"[a](b.md#nothing)\n": "docs/a.md: docs/b.md has no heading #nothing",
		"`[a](c.md)`\n":       "",
	} {
		wrong, err := links(fstest.MapFS{"docs/a.md": {Data: []byte(text)}, "docs/b.md": {Data: []byte("# What is `b`?\n")}})
		if err != nil || strings.Join(wrong, "\n") != want {
			t.Errorf("of %q the lint said %q, %v, want %q", text, wrong, err, want)
		}
	}
}
