package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// applicationFiles are the part of the application that does not depend on its size.
//
//go:embed application
var applicationFiles embed.FS

// An Application is one of PHP's, as frameworks make them: an autoloader, a container, a router, middleware, a template, and
// so many classes, each a service that the boot makes.
type Application struct {
	Classes int
}

func (a Application) String() string { return fmt.Sprintf("%d classes", a.Classes) }

// item is a page of an Application, and itemEnd how it ends.
const item, itemEnd = "/orders/42", "</html>\n"

// write writes the application, and returns its document root.
func (a Application) write(dir string) (root string, err error) {
	files, err := fs.Sub(applicationFiles, "application")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, files); err != nil {
		return "", err
	}
	definitions := strings.Builder{}
	definitions.WriteString("<?php\nreturn [\n")
	for n := range a.Classes {
		path := filepath.Join(dir, "src", namespace(n), className(n)+".php")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(class(n)), 0o644); err != nil {
			return "", err
		}
		fmt.Fprintf(&definitions, "\t'%s' => [App\\%s\\%s::class, [%s]],\n", id(n), namespace(n), className(n), needs(n))
	}
	definitions.WriteString("];\n")
	if err := os.WriteFile(filepath.Join(dir, "config", "services.php"), []byte(definitions.String()), 0o644); err != nil {
		return "", err
	}
	return filepath.Join(dir, "public"), age(dir)
}

// age makes all files older than opcache.file_update_protection: opcache does not take files that are new.
func age(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		old := time.Now().Add(-time.Hour)
		return os.Chtimes(path, old, old)
	})
}

func namespace(n int) string { return fmt.Sprintf("Module%02d", n/20) }
func className(n int) string { return fmt.Sprintf("Service%04d", n) }
func id(n int) string        { return fmt.Sprintf("service.%d", n) }

// needs are the services that another one is made from.
func needs(n int) string {
	switch {
	case n < 2:
		return ""
	case n%3 == 0:
		return fmt.Sprintf("'%s'", id(n/2))
	default:
		return fmt.Sprintf("'%s', '%s'", id(n/2), id(n-1))
	}
}

// class is the code of a service.
func class(n int) string {
	var methods strings.Builder
	for m := range 6 {
		fmt.Fprintf(&methods, `
    public function step%[1]d(array $values, ?string $label = null, int ...$more): array
    {
        $sum = array_sum($more) + %[2]d;
        foreach ($values as $key => $value) {
            if (is_string($value) && $label !== null) {
                $values[$key] = sprintf('%%s: %%s (%%d)', $label, $value, $sum);
            } elseif (is_int($value)) {
                $values[$key] = $value * self::FACTORS['step%[1]d'] + $sum;
            }
        }
        return $values + ['step' => %[1]d, 'by' => $this->id];
    }
`, m, n+m)
	}
	return fmt.Sprintf(`<?php
declare(strict_types=1);

namespace App\%[1]s;

use App\Service;

final class %[2]s extends Service
{
    private const FACTORS = ['step0' => 2, 'step1' => 3, 'step2' => 5, 'step3' => 7, 'step4' => 11, 'step5' => 13];

    protected array $state = ['new' => true, 'count' => %[3]d];

    protected function defaults(): array
    {
        return ['label' => 'Service %[3]d <%[1]s>', 'steps' => array_keys(self::FACTORS), 'limit' => %[3]d * self::FACTORS['step2']];
    }

    public function events(): array
    {
        return ['event.%[4]d' => %[5]d, 'event.%[4]d.after' => -%[5]d, 'booted' => 0, 'ended' => %[5]d];
    }
%[6]s}
`, namespace(n), className(n), n, n%40, n%7, methods.String())
}
