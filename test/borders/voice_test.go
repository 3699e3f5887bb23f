package borders

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A habit is a way of writing that readers stumble over. docs/STYLE.md explains each.
type habit struct {
	name    string
	pattern *regexp.Regexp
	// fine matches the phrases that look like the habit and are plain English. It may be nil.
	fine    *regexp.Regexp
	instead string
}

// Texts are matched with single spaces and line breaks alike, so that a habit is found across two lines.
func words(pattern string) *regexp.Regexp {
	return regexp.MustCompile(strings.ReplaceAll(pattern, " ", `\s+`))
}

var habits = []habit{
	{
		"who", words(`(?:^|[.:;!] )Who [a-z]+[^.?:]*[.:]|\b[Ww]hoever\b|\b(?:for|of|to|by|from|with|and|than|tells?|lets?|gives?|kills?|asks?) who (?:is|was|has|had|asks?|asked|waits?|waited|wants?|sends?|comes?|reads?|writes?|does|did|may|can|must|starts?|started|called|calls)\b`),
		nil,
		`name the one: "the client that", "a process that"`,
	},
	{
		"behind",
		words(`\b(?:is|are|was|what|one|that|stands?|stood|stand|comes?|came|follows?|goes|go|with|it|them|each|bytes?|something|anything|nothing|colon|text|name|put|and) behind(?: [a-z]+)?`),
		words(`\b(?:leaves?|leaving|left|stays?|stayed|lags?|lagged|remains?) (?:it |them |something |anything |nothing |what |one |a [a-z]+ )?behind|behind (?:nginx|trusted|a|the|another|HTTP|such|one|two|other|this|haproxy|it is) (?:proxy|proxies|web|load|front|NAT|program|same|back|gateway|balancer|server|trusted|pool|node|nginx)\b|behind (?:nginx|HTTP|proxies|phpsapi|HAProxy)\b`),
		`"after", for text and for time`,
	},
	{
		"is no",
		words(`\b(?:is|are|was|were) no [a-z]+`),
		words(`\b(?:[Tt]here|THERE) (?:is|are|was|were) no\b|\b(?:is|are|was|were) there no\b|\b(?:is|are|was|were) no (?:longer|more|less|fewer|other|better|worse|later|earlier|older|newer|way|such|one|use|good|slower|faster|larger|smaller)\b`),
		`"is not a"`,
	},
	{
		"has not",
		words(`\b(?:has|have|had) not(?:[.,;:)]| the\b| a\b| an\b| its\b)`),
		nil,
		`"lacks", "does not have", "does not name"`,
	},
	{
		"begin",
		words(`\b(?:the|The|its|their|a|this|each|every) begin\b`),
		nil,
		`"the beginning", "the start"`,
	},
	{
		"whether",
		words(`\b(?:says?|said|tells?|told) whether\b`),
		words(`\b(?:can|cannot|what|that|to) (?:tells?|says?) whether\b`),
		`"reports whether"`,
	},
	{
		"where there is none",
		words(`\b[Ww]here (?:there|it|they) (?:is|are|was|were) (?:none|no)\b|\b[Ww]here (?:it|that|this|one) is (?:missing|absent|unset)\b`),
		nil,
		`"if there is none"`,
	},
	{
		"goes on",
		words(`\b(?:goes|go|went|going) on\b`),
		words(`\b(?:goes|go|went|going) on (?:stdin|standard|a |top)`),
		`"continues", "keeps ...ing"`,
	},
	{
		"odd word",
		words(`\b(?:[Aa]new|in hand|[Oo]f late|for want of|without a word|of before|till|upon|hitherto|thereof|begun with|what is more)\b`),
		nil,
		`"again", "current", "recently", "for lack of", "silently"`,
	},
	// gives is a habit of doc comments alone: passage.habits looks for it.
}

const gives = `gives: write "returns"`

// voice checks Go comments and strings, C comments and strings, and the documents for habits.
func voice(root fs.FS) (wrong []string, err error) {
	err = walk(root, func(name string) error {
		if strings.HasPrefix(name, "test/borders/voice") || strings.Contains(name, "/testdata/") {
			return nil
		}
		read := map[string]func(name string, text []byte) ([]passage, error){".go": goPassages, ".c": cPassages, ".h": cPassages, ".md": mdPassages}[path.Ext(name)]
		if read == nil {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		passages, err := read(name, text)
		for _, p := range passages {
			for line, what := range p.habits() {
				wrong = append(wrong, fmt.Sprintf("%s:%d: %s", name, line, what))
			}
		}
		return err
	})
	slices.Sort(wrong)
	return wrong, err
}

// A passage is a text that is read by people, from a line of a file on.
type passage struct {
	line int
	text string
	// returns is set for the doc comment of a function with results.
	returns bool
}

// habits yields the lines of the passage's habits, and what to write instead.
func (p passage) habits() func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		line := func(at int) int { return p.line + strings.Count(p.text[:at], "\n") }
		for _, h := range habits {
			text := p.text
			if h.fine != nil {
				text = h.fine.ReplaceAllStringFunc(text, blank)
			}
			for _, at := range h.pattern.FindAllStringIndex(text, -1) {
				found := strings.TrimLeft(text[at[0]:at[1]], ".:;! \n\t")
				words := strings.Join(strings.Fields(found), " ")
				if !yield(line(at[1]-len(found)), fmt.Sprintf("%q: write %s", strings.TrimRight(words, ".:"), h.instead)) {
					return
				}
			}
		}
		if p.returns && givesBack.MatchString(p.text) {
			yield(p.line, gives)
		}
	}
}

var givesBack = regexp.MustCompile(`^\s*\w+ gives\b`)

// blank is a text of the same length and lines that matches nothing.
func blank(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return '_'
	}, text)
}

var slashes = regexp.MustCompile(`(?m)^\s*//`)

func goPassages(name string, text []byte) (found []passage, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	returns := map[*ast.CommentGroup]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.FuncDecl:
			if n.Doc != nil && n.Type.Results != nil {
				returns[n.Doc] = true
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				found = append(found, passage{line: files.Position(n.Pos()).Line, text: unquoted(n.Value)})
			}
		}
		return true
	})
	for _, group := range file.Comments {
		var lines []string
		for _, c := range group.List {
			lines = append(lines, prose(slashes.ReplaceAllString(c.Text, "")))
		}
		found = append(found, passage{files.Position(group.Pos()).Line, strings.Join(lines, "\n"), returns[group]})
	}
	return found, nil
}

// unquoted is what a literal means, in as many lines as the literal has.
func unquoted(literal string) string {
	text, err := strconv.Unquote(literal)
	if err != nil || strings.HasPrefix(literal, "`") {
		return strings.Trim(literal, "`")
	}
	return strings.ReplaceAll(text, "\n", ". ")
}

// prose is a line of a comment, or nothing of it if it is code.
func prose(line string) string {
	if strings.HasPrefix(line, "\t") {
		return ""
	}
	return line
}

var (
	cText  = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"`)
	margin = regexp.MustCompile(`(?m)^\s*/?\*+/?|\*/$|^//`)
)

func cPassages(_ string, text []byte) (found []passage, err error) {
	for _, at := range cText.FindAllIndex(text, -1) {
		passageText := margin.ReplaceAllStringFunc(strings.Trim(string(text[at[0]:at[1]]), `"`), func(m string) string { return strings.Trim(m, "/*") })
		found = append(found, passage{line: 1 + strings.Count(string(text[:at[0]]), "\n"), text: passageText})
	}
	return found, nil
}

var inCode = regexp.MustCompile("(?s)```.*?```|`[^`]*`|(?m-s:^(?: {4}|\t).*$)")

// mdPassages are the paragraphs of a document without its code. A list's own indented text counts as code, too, below four spaces.
func mdPassages(_ string, text []byte) (found []passage, err error) {
	return []passage{{line: 1, text: inCode.ReplaceAllStringFunc(string(text), blank)}}, nil
}

func TestVoice(t *testing.T) { report(t, voice) }
