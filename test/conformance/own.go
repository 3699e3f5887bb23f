package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/phpsapi/phpsapi/test/serve"
)

// Own are the extensions that were built with the engine under test; nothing of
// it for a libphp.
type Own struct {
	Dir    string   // where they are
	Names  []string // such as curl.so
	Inside bool     // the program has them inside
	// Modules are php-src's extensions for tests, compiled with the headers of
	// the engine's sources.
	Modules string
}

// ownOf finds the extensions of an engine with PHP in it: those beside the one
// that PHPSAPI_ENGINE names, or those of make engine if the program under test
// has PHP inside (make single).
func ownOf(binary string) (Own, error) {
	var own Own
	switch engine := os.Getenv("PHPSAPI_ENGINE"); {
	case binary == "":
		return own, nil
	case filepath.IsAbs(engine) && isDir(filepath.Join(filepath.Dir(engine), "extensions")):
		own.Dir = filepath.Join(filepath.Dir(engine), "extensions")
	case engine == "" && hasPHP(binary):
		own.Dir, own.Inside = filepath.Join("build", "engines", "php"+serve.Stock().Version, "extensions"), true
	default:
		return own, nil
	}
	files, err := filepath.Glob(filepath.Join(own.Dir, "*.so"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s has no extensions: make engine leaves them there", own.Dir)
	}
	for _, file := range files {
		own.Names = append(own.Names, filepath.Base(file))
	}
	if own.Inside {
		fmt.Println("PHP and its extensions are inside", binary)
	} else {
		fmt.Println("the engine's own extensions:", own.Dir)
	}
	return own, err
}

// includes are the compiler's options for the headers of the sources that make
// engine compiled.
func (o Own) includes() (options []string) {
	for _, dir := range []string{"", "main", "TSRM", "Zend", "ext"} {
		options = append(options, "-I"+filepath.Join("build", "php", serve.Stock().Version, "src", dir))
	}
	return options
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// hasPHP reports whether a phpsapi has PHP inside.
func hasPHP(binary string) bool {
	said, _ := exec.Command(binary, "engines", "--json").Output() // its status speaks of other engines, too
	var list []struct{ Kind string }
	if json.Unmarshal(said, &list) != nil {
		return false
	}
	return slices.ContainsFunc(list, func(e struct{ Kind string }) bool { return e.Kind == "part of this program" })
}
