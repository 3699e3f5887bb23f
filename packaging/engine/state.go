package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A state is what an engine was made from. engine.json has it.
type state struct {
	PHP        string   `json:"php"`
	Source     string   `json:"source"`
	Checksum   string   `json:"source_sha256"` // of the archive, or of all files of a directory
	Edits      string   `json:"edits_sha256"`  // of the changes in PHP's sources
	Contract   string   `json:"contract_sha256"`
	Training   string   `json:"training_sha256,omitempty"`
	Compiler   string   `json:"compiler"`
	Flags      []string `json:"flags"`
	Configure  []string `json:"configure"`
	Extensions []string `json:"extensions"`
}

// state returns what an engine would be made from now.
func (w *work) state() (state, error) {
	s := state{
		PHP: w.release, Source: w.origin, Compiler: compiler(), Extensions: extensionNames(w.extensions),
		Flags: []string{cflags, cxxflags}, Configure: append(slices.Clone(core), shared(w.extensions)...),
	}
	changes := sha256.Sum256(fmt.Append(nil, edits, timezone))
	s.Edits = hex.EncodeToString(changes[:])
	var err error
	if s.Checksum, err = checksum(w.source); err != nil {
		return s, err
	}
	contract := filepath.Join(w.root, "lifecycle", "engine")
	if s.Contract, err = checksum(contract, contract+".h", contract+"_httpd.h"); err != nil {
		return s, err
	}
	if w.profile {
		s.Flags = append(s.Flags, toTrain, trained, toJoin, joinFlags())
		s.Training, err = checksum(filepath.Join(w.root, "packaging", "engine", "training"))
	}
	return s, err
}

// checksum returns the SHA-256 of files, and of all that is below directories.
func checksum(paths ...string) (string, error) {
	sum := sha256.New()
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(name)
			fmt.Fprintf(sum, "%s %d\n", strings.TrimPrefix(name, path), len(data))
			sum.Write(data)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (w *work) stateFile() string { return filepath.Join(w.result, "engine.json") }

// isMade reports whether the engine that is there was made from the same.
func (w *work) isMade(now state) bool {
	text, err := os.ReadFile(w.stateFile())
	if err != nil {
		return false
	}
	made, _ := json.Marshal(now)
	var before state
	if json.Unmarshal(text, &before) != nil {
		return false
	}
	then, _ := json.Marshal(before)
	return string(made) == string(then)
}

// begin writes down what an engine is going to be made from. If an earlier run is gone on with, it returns what that one began with: what has
// changed since then may be missing in the engine.
func (w *work) begin(s state) (state, error) {
	begun := filepath.Join(w.dir, "begun.json")
	if w.from != "" {
		text, err := os.ReadFile(begun)
		if err == nil {
			err = json.Unmarshal(text, &s)
		}
		return s, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	return s, errors.Join(os.MkdirAll(w.dir, 0o755), os.WriteFile(begun, text, 0o644))
}

// finish writes down what the engine was made from, and says what there is.
func (w *work) finish(s state) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.stateFile(), append(text, '\n'), 0o644); err != nil {
		return err
	}
	engine := filepath.Join(w.result, "engine.so")
	fmt.Printf("%s, after %s; try it with: phpsapi --engine %[1]s cli -v\n", engine, time.Since(w.started).Round(time.Second))
	return nil
}
