package contract

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// JSON is text, and what Unix and PHP call a string is bytes: a path or a php_value may be Latin-1. encoding/json writes
// U+FFFD in their place. marshal finds that it did, which is rare, and then writes each byte as the character of that
// number; raw says so to unmarshal, and is a field of v.
func marshal(v any, raw *bool) ([]byte, error) {
	*raw = false
	text, err := json.Marshal(v)
	if err != nil || !bytes.Contains(text, []byte(`\ufffd`)) {
		return text, err
	}
	*raw = true
	text, err = json.Marshal(mapStrings(reflect.ValueOf(v), characters).Interface())
	*raw = false
	return text, err
}

// unmarshal reads what marshal wrote.
func unmarshal(text []byte, v any, raw *bool) error {
	if err := json.Unmarshal(text, v); err != nil || !*raw {
		return err
	}
	reflect.ValueOf(v).Elem().Set(mapStrings(reflect.ValueOf(v).Elem(), byNumber))
	*raw = false
	return nil
}

// characters gives each byte as the character of that number.
func characters(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// byNumber undoes characters.
func byNumber(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

// mapStrings copies a value with all strings in it changed. What JSON does not carry, unexported fields, is as it was.
func mapStrings(v reflect.Value, change func(string) string) reflect.Value {
	to := reflect.New(v.Type()).Elem()
	to.Set(v)
	switch v.Kind() {
	case reflect.String:
		to.SetString(change(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			to.Set(reflect.New(v.Type().Elem()))
			to.Elem().Set(mapStrings(v.Elem(), change))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				to.Field(i).Set(mapStrings(v.Field(i), change))
			}
		}
	case reflect.Slice:
		if !v.IsNil() {
			to.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				to.Index(i).Set(mapStrings(v.Index(i), change))
			}
		}
	case reflect.Map, reflect.Array, reflect.Interface:
		panic("BUG: " + v.Type().String() + " in a message")
	}
	return to
}
