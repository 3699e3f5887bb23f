package main

import (
	"fmt"
	"strings"
)

// insideList returns the C text of php_inside.h's list.
func insideList(parts []part, late *lateTable) string {
	var b strings.Builder
	b.WriteString("#include \"php_inside.h\"\n\n")
	for _, p := range parts {
		for _, name := range entries {
			fmt.Fprintf(&b, "extern const char %s_of_%s[] __attribute__((weak));\n", name, p.name)
		}
		fmt.Fprintf(&b, "static const int libraries_of_%s[] = {", p.name)
		for _, place := range p.libraries {
			fmt.Fprintf(&b, "%d, ", place)
		}
		b.WriteString("-1};\n")
		for section := range sectionsOf(p.fixups) {
			fmt.Fprintf(&b, "extern char %s[];\n", p.mark(section))
		}
		fmt.Fprintf(&b, "static const struct inside_fixup fixups_of_%s[] = {\n", p.name)
		for _, f := range p.fixups {
			fmt.Fprintf(&b, "\t{(void **)(%s + %d), %d, %d},\n", p.mark(f.section), f.offset, late.places[f.symbol], f.addend)
		}
		b.WriteString("\t{0},\n};\n")
	}
	b.WriteString("const struct inside_extension inside_extensions[] = {\n")
	for _, p := range parts {
		fmt.Fprintf(&b, "\t{\"%s\"", p.name)
		for _, name := range entries {
			fmt.Fprintf(&b, ", %s_of_%s", name, p.name)
		}
		atOnce := 0
		if p.atOnce {
			atOnce = 1
		}
		fmt.Fprintf(&b, ", libraries_of_%s, %d, fixups_of_%[1]s},\n", p.name, atOnce)
	}
	b.WriteString("\t{0},\n};\n")
	return b.String()
}
