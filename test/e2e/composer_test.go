//go:build e2e

package e2e

import (
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
)

func TestComposer(t *testing.T) {
	const composer = "/usr/bin/composer"
	good := files.Make(t, map[string]string{
		"composer.json": `{"name": "a/b", "description": "c", "license": "MIT", "require": {"php": ">=8.2"},
			"autoload": {"psr-4": {"A\\": "src/"}},
			"scripts": {"hello": "@php -r \"echo 'script under ', PHP_SAPI, PHP_EOL;\"", "fails": "@php -r \"exit(3);\""}}`,
		"src/B.php": "<?php namespace A; class B { const C = 'autoloaded'; }",
		"use.php":   "<?php require 'vendor/autoload.php'; echo A\\B::C, PHP_EOL;",
	})
	bad := files.Make(t, map[string]string{"composer.json": `{"name": "no slash", "nonsense": }`})
	same(t, good, "Composer version 2", composer, "--version", "--no-ansi")
	same(t, good, "./composer.json is valid", composer, "validate", "--no-ansi")
	same(t, bad, "Parse error", composer, "validate", "--no-ansi")
	same(t, good, "Generated autoload files", composer, "dump-autoload", "--no-ansi", "--no-plugins")
	same(t, good, "autoloaded", "use.php")
	same(t, good, "script under cli", composer, "run-script", "hello", "--no-ansi")
	same(t, good, "exit status 3", composer, "run-script", "fails", "--no-ansi")
	same(t, good, "php", composer, "check-platform-reqs", "--no-ansi", "--lock")
	same(t, good, "A\\B", "-r", "require 'vendor/autoload.php'; echo (new ReflectionClass('A\\B'))->getName();")
}
