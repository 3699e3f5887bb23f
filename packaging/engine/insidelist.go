package main

import (
	"fmt"
	"slices"
	"strings"
)

// insideList returns the C text of php_inside.h's list, and of the variables through which the extensions refer to libraries.
func insideList(parts []part) string {
	var b strings.Builder
	b.WriteString("#include \"php_inside.h\"\n\n")
	numbers := variables(&b, parts)
	for _, p := range parts {
		for _, name := range entries {
			fmt.Fprintf(&b, "extern const char %s_of_%s[] __attribute__((weak));\n", name, p.name)
		}
		fmt.Fprintf(&b, "static const char *const libraries_of_%s[] = {%s0};\n", p.name, quoted(p.libraries))
		fmt.Fprintf(&b, "static const struct inside_symbol symbols_of_%s[] = {\n", p.name)
		for _, symbol := range p.late {
			fmt.Fprintf(&b, "\t{\"%s\", &late_%d},\n", symbol, numbers[symbol])
		}
		b.WriteString("\t{0},\n};\n")
		for section := range sectionsOf(p.fixups) {
			fmt.Fprintf(&b, "extern char %s[];\n", p.mark(section))
		}
		fmt.Fprintf(&b, "static const struct inside_fixup fixups_of_%s[] = {\n", p.name)
		for _, f := range p.fixups {
			i, _ := slices.BinarySearch(p.late, f.symbol)
			fmt.Fprintf(&b, "\t{(void **)(%s + %d), %d, %d},\n", p.mark(f.section), f.offset, i, f.addend)
		}
		b.WriteString("\t{0},\n};\n")
	}
	b.WriteString("const struct inside_extension inside_extensions[] = {\n")
	for _, p := range parts {
		fmt.Fprintf(&b, "\t{\"%s\"", p.name)
		for _, name := range entries {
			fmt.Fprintf(&b, ", %s_of_%s", name, p.name)
		}
		fmt.Fprintf(&b, ", libraries_of_%s, symbols_of_%[1]s, fixups_of_%[1]s},\n", p.name)
	}
	b.WriteString("\t{0},\n};\n")
	return b.String()
}

// variables writes a variable for each symbol that is bound late, under the symbol's own name for the linker, and returns their numbers.
func variables(b *strings.Builder, parts []part) map[string]int {
	numbers := map[string]int{}
	for _, p := range parts {
		for _, symbol := range p.late {
			if _, has := numbers[symbol]; !has {
				numbers[symbol] = len(numbers)
				fmt.Fprintf(b, "void *late_%d __asm__(\"%s\") __attribute__((visibility(\"hidden\")));\n", numbers[symbol], symbol)
			}
		}
	}
	return numbers
}

func quoted(names []string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%q, ", name)
	}
	return b.String()
}
