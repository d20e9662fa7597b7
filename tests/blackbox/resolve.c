/* Asks glibc as programs do.
 *
 *   resolve forward NAME [SERVICE] [addrconfig]   getaddrinfo: one "ADDRESS PORT" a line
 *   resolve reverse ADDRESS                       getnameinfo with NI_NAMEREQD: the name
 *   resolve loop NAME MILLISECONDS                getaddrinfo for ever: "ADDRESS" or "error TEXT" a line
 */
#define _GNU_SOURCE
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <arpa/inet.h>
#include <sys/socket.h>

static int forward(const char *name, const char *service, int flags, int only_first)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags }, *list, *one;
	int error = getaddrinfo(name, service, &hints, &list);

	if (error) {
		printf("error %s\n", gai_strerror(error));
		return 1;
	}
	for (one = list; one; one = only_first ? NULL : one->ai_next) {
		char host[NI_MAXHOST], port[NI_MAXSERV];

		getnameinfo(one->ai_addr, one->ai_addrlen, host, sizeof host, port, sizeof port,
			    NI_NUMERICHOST | NI_NUMERICSERV);
		if (only_first)
			puts(host);
		else
			printf("%s %s\n", host, port);
	}
	freeaddrinfo(list);
	return 0;
}

static int reverse(const char *address)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST }, *list;
	char host[NI_MAXHOST];
	int error = getaddrinfo(address, NULL, &hints, &list);

	if (!error)
		error = getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof host, NULL, 0, NI_NAMEREQD);
	if (error) {
		printf("error %s\n", gai_strerror(error));
		return 1;
	}
	puts(host);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "forward")) {
		int flags = argc > 3 && !strcmp(argv[argc - 1], "addrconfig") ? AI_ADDRCONFIG : 0;
		const char *service = argc > 3 && strcmp(argv[3], "addrconfig") ? argv[3] : NULL;

		return forward(argv[2], service, flags, 0);
	}
	if (argc == 3 && !strcmp(argv[1], "reverse"))
		return reverse(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "loop")) {
		long wait = atol(argv[3]);
		struct timespec pause = { wait / 1000, wait % 1000 * 1000000 };

		for (;;) {
			forward(argv[2], NULL, 0, 1);
			fflush(stdout);
			nanosleep(&pause, NULL);
		}
	}
	fputs("usage: resolve forward|reverse|loop ...\n", stderr);
	return 2;
}
