/* net_cert.h - what is wrong with a certificate, in plain words. Private to the room. */
#ifndef TRANSPORT_NET_NET_CERT_H
#define TRANSPORT_NET_NET_CERT_H

#include <openssl/x509.h>

struct err;
struct net_cert_facts;

/* code is one of X509_V_ERR_*; bad is the certificate it is about, leaf the server's own (either may
 * be NULL); host is the name that was expected. Fills e with ERR_TLS and a hint. */
void net_cert_explain(int code, X509 *bad, X509 *leaf, const char *host, struct err *e);
/* 0, or -1 when it cannot be read. */
int net_cert_read(X509 *cert, struct net_cert_facts *out);

#endif
