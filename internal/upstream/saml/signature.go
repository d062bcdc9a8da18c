package saml

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// verifier verifies one signed element for the library, with each key of the upstream in turn. What a signature says of
// its own key (KeyInfo) decides nothing: it is not signed, and a certificate that was issued again for a key that is known is
// no other key. It is kept for whoever has to find out why a signature does not count.
type verifier struct {
	lax     bool              // switches.profile
	foreign bool              // something was signed, by none of the keys
	claimed *x509.Certificate // … and says to be signed by this one; nil: it does not say
	used    *x509.Certificate
}

// VerifySignature is of the library's older interface.
func (v *verifier) VerifySignature(ctx *dsig.ValidationContext, el *etree.Element) error {
	_, err := v.VerifySignedElement(ctx, el)
	return err
}

// VerifySignedElement returns what the signature of an element covers.
func (v *verifier) VerifySignedElement(ctx *dsig.ValidationContext, el *etree.Element) (*etree.Element, error) {
	if !v.lax {
		if err := profile(el); err != nil {
			return nil, err
		}
	}
	el = el.Copy()
	var says *x509.Certificate
	for _, sig := range el.ChildElements() {
		if sig.Tag != dsig.SignatureTag {
			continue
		}
		says = claimed(sig)
		for _, info := range sig.ChildElements() {
			if info.Tag == dsig.KeyInfoTag {
				sig.RemoveChild(info)
			}
		}
	}
	certificates, err := ctx.CertificateStore.Certificates()
	if err != nil {
		return nil, err
	}
	err = errors.New("no key is known")
	for _, c := range certificates {
		one := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{c}})
		one.IdAttribute, one.Clock = ctx.IdAttribute, ctx.Clock
		var signed *etree.Element
		if signed, err = one.Validate(el); err == nil {
			v.used = c
			return signed, nil
		}
	}
	v.foreign, v.claimed = true, says
	return nil, err
}

// exclusive are the canonicalisations that are taken (saml-core-2.0-os section 5.4.3). There are no comments to keep.
var exclusive = []string{
	string(dsig.CanonicalXML10ExclusiveAlgorithmId), string(dsig.CanonicalXML10ExclusiveWithCommentsAlgorithmId),
}

// profile is that of saml-core-2.0-os section 5.4, without what it leaves open: the one signature of an element is its
// child, has one reference, to the identifier of that element, with the enveloped transform and an exclusive
// canonicalisation after it, and holds nothing else. Nothing in the element is a comment or an instruction: what was
// encrypted was not looked at before.
func profile(el *etree.Element) error {
	if err := plain(el, 0); err != nil {
		return err
	}
	signatures := named(el, dsig.SignatureTag)
	if len(signatures) != 1 {
		return fmt.Errorf("%d signatures of one element", len(signatures))
	}
	for _, child := range signatures[0].ChildElements() {
		if !slices.Contains([]string{dsig.SignedInfoTag, dsig.SignatureValueTag, dsig.KeyInfoTag}, child.Tag) {
			return fmt.Errorf("%s in a signature", child.Tag)
		}
	}
	info := named(signatures[0], dsig.SignedInfoTag)
	if len(info) != 1 {
		return errors.New("SignedInfo is not there once")
	}
	for _, method := range named(info[0], dsig.CanonicalizationMethodTag) {
		if a := method.SelectAttrValue(dsig.AlgorithmAttr, ""); !slices.Contains(exclusive, a) {
			return fmt.Errorf("canonicalisation %q", a)
		}
	}
	references := named(info[0], dsig.ReferenceTag)
	if len(references) != 1 {
		return fmt.Errorf("%d references", len(references))
	}
	id := el.SelectAttrValue(dsig.DefaultIdAttr, "")
	if uri := references[0].SelectAttrValue(dsig.URIAttr, ""); id == "" || uri != "#"+id {
		return fmt.Errorf("reference to %q, the element is %q", uri, id)
	}
	var transforms []string
	for _, all := range named(references[0], dsig.TransformsTag) {
		for _, t := range all.ChildElements() {
			transforms = append(transforms, t.SelectAttrValue(dsig.AlgorithmAttr, ""))
		}
	}
	if len(transforms) != 2 || transforms[0] != string(dsig.EnvelopedSignatureAltorithmId) || !slices.Contains(exclusive, transforms[1]) {
		return fmt.Errorf("transforms %q", transforms)
	}
	return nil
}

// plain refuses a tree that look would refuse as a document.
func plain(el *etree.Element, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("elements more than %d deep", maxDepth)
	}
	for _, child := range el.Child {
		switch child := child.(type) {
		case *etree.Element:
			if (child.Tag == "Assertion" || child.Tag == "EncryptedAssertion") && el.Tag != "Response" {
				return fmt.Errorf("%s in %s", child.Tag, el.Tag)
			}
			if err := plain(child, depth+1); err != nil {
				return err
			}
		case *etree.CharData:
		default:
			return fmt.Errorf("%T in what is signed", child)
		}
	}
	return nil
}

// named are the children of a name, whatever their prefix.
func named(el *etree.Element, tag string) (all []*etree.Element) {
	for _, child := range el.ChildElements() {
		if child.Tag == tag {
			all = append(all, child)
		}
	}
	return all
}
