/*
 * How long a server takes from the start of its process to its first HTTP answer. Starts the command after "--", asks
 * GET /healthz until an answer begins with a 200 status, prints the microseconds in between and the process id, and leaves
 * the server running for whoever asked.
 *
 *   start-clock PORT TIMEOUT_MS -- COMMAND ARGUMENT…
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { RETRY_US = 200, ANSWER_TIMEOUT_MS = 500 };

static double nowUs(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Whether the server answers now. Refused connections return at once; loopback needs no wait. */
static int answers(int port) {
  static const char request[] = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  static const char wanted[] = "HTTP/1.1 200";
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  char answer[64];
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  struct timeval timeout = {.tv_usec = ANSWER_TIMEOUT_MS * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  int ok = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
           send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)sizeof request - 1 &&
           recv(fd, answer, sizeof wanted - 1, MSG_WAITALL) == (ssize_t)sizeof wanted - 1 &&
           memcmp(answer, wanted, sizeof wanted - 1) == 0;
  close(fd);
  return ok;
}

int main(int argc, char **argv) {
  if (argc < 5 || strcmp(argv[3], "--")) {
    fprintf(stderr, "usage: start-clock PORT TIMEOUT_MS -- COMMAND ARGUMENT...\n");
    return 2;
  }
  int port = atoi(argv[1]);
  double timeoutUs = atof(argv[2]) * 1e3;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  /* The server outlives this program and must not hold its pipes open. */
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
  pid_t pid;
  double startUs = nowUs();
  if (posix_spawnp(&pid, argv[4], &actions, NULL, argv + 4, environ)) {
    fprintf(stderr, "start-clock: cannot start %s\n", argv[4]);
    return 2;
  }
  while (!answers(port)) {
    if (nowUs() - startUs > timeoutUs) {
      kill(pid, SIGKILL);
      fprintf(stderr, "start-clock: no answer within %s ms\n", argv[2]);
      return 1;
    }
    usleep(RETRY_US);
  }
  printf("{\"startUs\":%.1f,\"pid\":%d}\n", nowUs() - startUs, (int)pid);
  return 0;
}
