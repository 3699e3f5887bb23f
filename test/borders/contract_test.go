package borders

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// contract is the number of the contract between program and engine, and the checksum of what lifecycle/engine.h and
// engine_httpd.h, which is a part of it, declare under it.
var contract = struct{ number, sum string }{"23", "ffc2743f211d"}

var (
	comment = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	number  = regexp.MustCompile(`#define ENGINE_CONTRACT (\d+)`)
)

// declarations is a header without comments and without the spaces that say nothing.
func declarations(text string) string {
	return strings.Join(strings.Fields(comment.ReplaceAllString(text, " ")), " ")
}

// contractRises checks that lifecycle/engine.h declares what it did when its contract got its number.
func contractRises(root fs.FS) (wrong []string, err error) {
	text, err := fs.ReadFile(root, "lifecycle/engine.h")
	if err != nil {
		return nil, err
	}
	part, err := fs.ReadFile(root, "lifecycle/engine_httpd.h")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	found := number.FindStringSubmatch(string(text))
	if found == nil {
		return []string{"lifecycle/engine.h: there is no #define ENGINE_CONTRACT"}, nil
	}
	sum := fmt.Sprintf("%.6x", sha256.Sum256([]byte(declarations(string(text)+string(part)))))
	switch {
	case sum == contract.sum:
	case found[1] == contract.number:
		wrong = append(wrong, fmt.Sprintf("lifecycle/engine.h: its declarations are others than those of contract %s: an older engine would be "+
			"misunderstood. Raise ENGINE_CONTRACT, and make contract in test/borders/contract_test.go the new number and what the test says then", found[1]))
	default:
		wrong = append(wrong, fmt.Sprintf("lifecycle/engine.h: contract %s is new: contract in test/borders/contract_test.go is to be {%q, %q}", found[1], found[1], sum))
	}
	return wrong, nil
}

func TestContractRises(t *testing.T) { report(t, contractRises) }

// An engine that was compiled before would call the wrong function.
func TestContractThatDoesNotRise(t *testing.T) {
	known := contract
	t.Cleanup(func() { contract = known })
	const header = "#define ENGINE_CONTRACT 7\nstruct engine { int a; };\n"
	contract.number, contract.sum = "7", fmt.Sprintf("%.6x", sha256.Sum256([]byte(declarations(header))))
	for text, want := range map[string]string{
		header: "",
		"/* new\nwords */\n#define ENGINE_CONTRACT 7 // more\n\nstruct engine {\n\tint a;\n};\n": "",
		"#define ENGINE_CONTRACT 7\nstruct engine { int a, b; };\n":                              "Raise ENGINE_CONTRACT",
		"#define ENGINE_CONTRACT 8\nstruct engine { int a, b; };\n":                              `contract 8 is new: contract in test/borders/contract_test.go is to be {"8", "`,
		"struct engine { int a; };\n":                                                            "there is no #define",
	} {
		wrong, err := contractRises(fstest.MapFS{"lifecycle/engine.h": {Data: []byte(text)}})
		if err != nil || (len(wrong) == 0) != (want == "") || !strings.Contains(strings.Join(wrong, "\n"), want) {
			t.Errorf("%q: the lint said %q, %v, want %q", text, wrong, err, want)
		}
	}
}
