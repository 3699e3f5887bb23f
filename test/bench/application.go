package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The files of the applications: of the one that is made for the measurement what does not depend on its size.
//
//go:embed application symfony
var applicationFiles embed.FS

// An Application is one of PHP's. /boot says how much CPU time its boot took, in microseconds.
type Application struct {
	name string
	// limit is what phpsapi's front in worker mode may take of the CPU time of nginx with php-fpm; 0: anything.
	limit float64
	write func(dir string) error // the document root is public
}

func (a Application) String() string { return a.name }

// item is a page of an Application, and itemEnd how it ends.
const item, itemEnd = "/orders/42", "</html>\n"

// applications are what worker mode is measured with, and the goals.
func applications(o Options) []Application {
	small, large := ofClasses(300), ofClasses(1500)
	small.limit, large.limit = 0.06, 0.02
	all := []Application{small, large}
	if s := ofSymfony(o); s.installed() {
		all = append(all, s.Application)
	}
	return all
}

// ofClasses makes an application as frameworks make them: an autoloader, a container, a router, middleware, a template, and
// so many classes, each a service that the boot makes.
func ofClasses(n int) Application {
	return Application{name: fmt.Sprintf("%d classes", n), write: func(dir string) error { return writeClasses(dir, n) }}
}

func copyApplication(name, dir string) error {
	files, err := fs.Sub(applicationFiles, name)
	if err != nil {
		return err
	}
	return os.CopyFS(dir, files)
}

func writeClasses(dir string, classes int) error {
	if err := copyApplication("application", dir); err != nil {
		return err
	}
	definitions := strings.Builder{}
	definitions.WriteString("<?php\nreturn [\n")
	for n := range classes {
		path := filepath.Join(dir, "src", namespace(n), className(n)+".php")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(class(n)), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(&definitions, "\t'%s' => [App\\%s\\%s::class, [%s]],\n", id(n), namespace(n), className(n), needs(n))
	}
	definitions.WriteString("];\n")
	return os.WriteFile(filepath.Join(dir, "config", "services.php"), []byte(definitions.String()), 0o644)
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
