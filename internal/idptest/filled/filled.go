// Package filled makes values with something in every exported field.
//
// Tests ask with it of each field of a struct by itself whether it is handled. A field that is added later is asked
// about without another line of the test.
package filled

import (
	"reflect"
	"slices"
	"time"
)

// Fill puts something into a value and into all that it holds. A struct inside one of its own type stays empty.
func Fill(v reflect.Value) { fill(v, nil) }

// fill is Fill inside structs of the types.
func fill(v reflect.Value, inside []reflect.Type) {
	if t, ok := v.Addr().Interface().(*time.Time); ok {
		*t = time.Unix(1, 0)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), inside)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), inside)
	case reflect.Struct:
		if slices.Contains(inside, v.Type()) {
			return
		}
		inside = append(slices.Clip(inside), v.Type())
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), inside)
			}
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	}
}

// Holds reports whether a filled value has something of a type in it.
func Holds(v reflect.Value, t reflect.Type) bool {
	if v.Type() == t {
		return true
	}
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && Holds(v.Elem(), t)
	case reflect.Slice:
		return v.Len() > 0 && Holds(v.Index(0), t)
	case reflect.Struct:
		for i := range v.NumField() {
			if Holds(v.Field(i), t) {
				return true
			}
		}
	}
	return false
}
