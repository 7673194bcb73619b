/*
 * The one load client of every benchmark: viewers of live sessions, in one epoll loop, so that each server is measured
 * by the same eyes. Opens sessions × clients WebSockets with a real handshake, parses every frame fully (RFC 6455),
 * answers pings, reads the 32-byte header in front of each pose, and prints one JSON object on stdout.
 * It measures; it does not judge: no ratios, no thresholds, and it starts or stops no server.
 *
 *   load-client --port 8080 --path '/ws/s{session}?header=soma' --sessions 1 --clients 200 --window-ms 8000
 *
 * CPU times of the server are read by this program at the very edges of the window, so that both sides of
 * "CPU per message" cover the same time.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  HEADER_BYTES = 32,
  RESPONSE_BYTES = 2048,
  CONTROL_BYTES = 125,
  CONNECTS_IN_FLIGHT = 128,
  EVENTS = 512,
  READ_BYTES = 1 << 18,
  MAX_PIDS = 64,
  MAX_CLIENTS = 20000,
};

static const uint32_t FRAME_MAGIC = 0x414d4f53; /* "SOMA", little-endian */

/* The sample nonce of RFC 6455 section 1.3 and the answer that the RFC gives for it: checks a server's accept without SHA-1. */
static const char NONCE[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char ACCEPT[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

typedef enum { WAITING, CONNECTING, HANDSHAKING, OPEN, CLOSED } State;

typedef struct {
  int fd;
  State state;
  uint32_t session; /* 1-based */
  bool stalled;     /* never reads after its handshake */
  bool timed;       /* the first client of its session: its capture times tell the server's schedule */

  char response[RESPONSE_BYTES];
  size_t responseBytes;

  /* The WebSocket frame being read. */
  uint8_t head[10];
  size_t headBytes;
  uint64_t left; /* payload bytes still to come */
  bool inPayload;
  bool fin;
  uint8_t opcode;
  uint8_t control[CONTROL_BYTES];
  size_t controlBytes;

  /* The message being assembled from data frames. */
  bool inMessage;
  bool text;
  uint64_t messageBytes;
  uint8_t header[HEADER_BYTES];

  bool hasFrame;
  uint32_t sequence;
  double captureUs;
  uint64_t messages;
  uint64_t backlogFrames; /* of a stalled client: frames older than the moment it read again */
} Client;

typedef struct {
  double *values;
  size_t count, capacity;
} Samples;

typedef struct {
  uint64_t messages, bytes, texts, controls;
  uint64_t lost, reordered, malformed, disconnected, lateTicks;
  Samples ageUs;
} Counts;

typedef struct {
  int port;
  const char *path;
  int sessions, clients, stalled;
  double rateHz;
  int warmupMs, windowMs, returnMs, connectTimeoutMs;
  bool headerless, trace;
  int pids[MAX_PIDS];
  int pidCount;
} Options;

typedef struct {
  Options options;
  Client *clients;
  int clientCount; /* readers first, then the stalled ones */
  int readerCount;
  int epoll;
  int inFlight, nextToConnect, failed;
  bool measuring;
  bool returning; /* the stalled clients have begun to read */
  double returnUs;
  Counts counts;
  uint64_t freshAfterReturn;
  Samples trace; /* sequence, capture µs, receive µs of the first client, one after the other */
  uint8_t *buffer;
} Load;

/* ---- clocks and counters ---------------------------------------------------------------------------------- */

static double nowUs(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fail(const char *what) {
  fprintf(stderr, "load-client: %s: %s\n", what, strerror(errno));
  exit(2);
}

static void push(Samples *samples, double value) {
  if (samples->count == samples->capacity) {
    samples->capacity = samples->capacity ? samples->capacity * 2 : 1 << 16;
    samples->values = realloc(samples->values, samples->capacity * sizeof(double));
    if (!samples->values) fail("realloc");
  }
  samples->values[samples->count++] = value;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Nearest-rank quantile of sorted samples; 0 where there are none. */
static double quantile(const Samples *sorted, double q) {
  if (!sorted->count) return 0;
  size_t rank = (size_t)(q * (double)(sorted->count - 1) + 0.5);
  return sorted->values[rank];
}

/* utime + stime of the processes and of their reaped children, in seconds (proc(5), fields 14 to 17). */
static double serverCpuS(const Options *options) {
  double ticks = 0;
  for (int i = 0; i < options->pidCount; i++) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", options->pids[i]);
    FILE *file = fopen(path, "r");
    if (!file) continue;
    unsigned long user, system;
    long reapedUser, reapedSystem;
    if (fgets(line, sizeof line, file)) {
      const char *rest = strrchr(line, ')'); /* the name may hold spaces */
      if (rest && sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &user, &system,
                         &reapedUser, &reapedSystem) == 4)
        ticks += (double)user + (double)system + (double)reapedUser + (double)reapedSystem;
    }
    fclose(file);
  }
  return ticks / (double)sysconf(_SC_CLK_TCK);
}

static uint64_t serverRssBytes(const Options *options) {
  uint64_t pages = 0;
  for (int i = 0; i < options->pidCount; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/statm", options->pids[i]);
    FILE *file = fopen(path, "r");
    if (!file) continue;
    unsigned long resident;
    if (fscanf(file, "%*u %lu", &resident) == 1) pages += resident;
    fclose(file);
  }
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Seconds that all cores together were busy, stolen time included: shows what else ran on the machine. */
static double machineBusyS(void) {
  FILE *file = fopen("/proc/stat", "r");
  if (!file) return 0;
  unsigned long user = 0, nice = 0, system = 0, irq = 0, softirq = 0, steal = 0;
  int fields = fscanf(file, "cpu %lu %lu %lu %*u %*u %lu %lu %lu", &user, &nice, &system, &irq, &softirq, &steal);
  fclose(file);
  return fields == 6 ? (double)(user + nice + system + irq + softirq + steal) / (double)sysconf(_SC_CLK_TCK) : 0;
}

static double ownCpuS(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- connecting ------------------------------------------------------------------------------------------- */

static void watch(const Load *load, int index, uint32_t events, int operation) {
  struct epoll_event event = {.events = events, .data.u32 = (uint32_t)index};
  if (epoll_ctl(load->epoll, operation, load->clients[index].fd, &event)) fail("epoll_ctl");
}

static void disconnect(Load *load, Client *client) {
  if (client->state == CONNECTING || client->state == HANDSHAKING) {
    load->inFlight--;
    load->failed++;
  } else if (client->state == OPEN && !client->stalled) {
    load->counts.disconnected++;
  }
  close(client->fd); /* also leaves the epoll set */
  client->state = CLOSED;
}

static void connectNext(Load *load) {
  int index = load->nextToConnect++;
  Client *client = &load->clients[index];
  client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client->fd < 0) fail("socket");
  int one = 1;
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->options.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  client->state = CONNECTING;
  load->inFlight++;
  if (connect(client->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) {
    disconnect(load, client);
    return;
  }
  watch(load, index, EPOLLOUT, EPOLL_CTL_ADD);
}

/* Writes the path of a session: the template with each "{session}" replaced by its number. */
static void expandPath(char *out, size_t outBytes, const char *template, uint32_t session) {
  static const char mark[] = "{session}";
  size_t used = 0;
  while (*template && used + 12 < outBytes) {
    if (strncmp(template, mark, sizeof mark - 1) == 0) {
      used += (size_t)snprintf(out + used, outBytes - used, "%u", session);
      template += sizeof mark - 1;
    } else {
      out[used++] = *template ++;
    }
  }
  out[used] = 0;
}

static void sendUpgrade(Load *load, int index) {
  Client *client = &load->clients[index];
  char path[512], request[1024];
  expandPath(path, sizeof path, load->options.path, client->session);
  int bytes = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                       path, load->options.port, NONCE);
  if (send(client->fd, request, (size_t)bytes, MSG_NOSIGNAL) != bytes) {
    disconnect(load, client);
    return;
  }
  client->state = HANDSHAKING;
  watch(load, index, EPOLLIN, EPOLL_CTL_MOD);
}

/* ---- messages --------------------------------------------------------------------------------------------- */

static double readF64(const uint8_t *bytes) {
  double value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

static uint32_t readU32(const uint8_t *bytes) {
  uint32_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

static void endFrame(Load *load, Client *client, double receivedUs) {
  const uint8_t *header = client->header;
  if (client->messageBytes < HEADER_BYTES || readU32(header) != FRAME_MAGIC ||
      readU32(header + 24) != client->messageBytes - HEADER_BYTES) {
    load->counts.malformed++;
    return;
  }
  uint32_t sequence = readU32(header + 12);
  double captureUs = readF64(header + 16);
  if (load->returning) {
    if (captureUs < load->returnUs)
      client->backlogFrames++;
    else
      load->freshAfterReturn++;
  }
  if (load->measuring) {
    push(&load->counts.ageUs, receivedUs - captureUs);
    int32_t step = (int32_t)(sequence - client->sequence); /* wraps at 2^32 */
    if (client->hasFrame && step > 1) load->counts.lost += (uint64_t)step - 1;
    if (client->hasFrame && step < 1) load->counts.reordered++;
    double periodUs = 1e6 / load->options.rateHz;
    if (client->timed && client->hasFrame && captureUs - client->captureUs > 1.5 * periodUs) load->counts.lateTicks++;
    if (load->options.trace && client == load->clients) {
      push(&load->trace, sequence);
      push(&load->trace, captureUs);
      push(&load->trace, receivedUs);
    }
  }
  client->sequence = sequence;
  client->captureUs = captureUs;
  client->hasFrame = true;
}

static void endMessage(Load *load, Client *client, double receivedUs) {
  if (client->text) {
    load->counts.texts++;
    return;
  }
  if (load->measuring && !client->stalled) {
    load->counts.messages++;
    load->counts.bytes += client->messageBytes;
    client->messages++;
  }
  if (!load->options.headerless) endFrame(load, client, receivedUs);
}

static void endControl(Load *load, Client *client) {
  load->counts.controls++;
  if (client->opcode == 9) { /* ping: answer with a masked pong; the mask is zero, so the bytes stay */
    uint8_t pong[6 + CONTROL_BYTES] = {0x8a, (uint8_t)(0x80 | client->controlBytes)};
    memcpy(pong + 6, client->control, client->controlBytes);
    if (send(client->fd, pong, 6 + client->controlBytes, MSG_NOSIGNAL) < 0) disconnect(load, client);
  } else if (client->opcode == 8) {
    disconnect(load, client);
  }
}

/* Starts a frame from its complete header; false where the server broke the protocol. */
static bool beginFrame(Client *client) {
  const uint8_t *head = client->head;
  client->fin = head[0] & 0x80;
  client->opcode = head[0] & 0x0f;
  uint64_t length = head[1] & 0x7f;
  if (length >= 126) {
    size_t end = length == 126 ? 4 : 10;
    length = 0;
    for (size_t i = 2; i < end; i++) length = length << 8 | head[i];
  }
  client->left = length;
  client->inPayload = true;
  client->headBytes = 0;
  bool control = client->opcode >= 8;
  bool continuation = client->opcode == 0;
  bool known = client->opcode <= 2 || (client->opcode >= 8 && client->opcode <= 10);
  if ((head[0] & 0x70) || (head[1] & 0x80) || !known) return false;
  if (control) {
    client->controlBytes = 0;
    return client->fin && length <= CONTROL_BYTES;
  }
  if (continuation != client->inMessage) return false;
  if (!continuation) {
    client->text = client->opcode == 1;
    client->messageBytes = 0;
    client->inMessage = true;
  }
  return true;
}

static void takePayload(Client *client, const uint8_t *bytes, size_t count) {
  if (client->opcode >= 8) {
    memcpy(client->control + client->controlBytes, bytes, count);
    client->controlBytes += count;
    return;
  }
  if (client->messageBytes < HEADER_BYTES) {
    size_t wanted = HEADER_BYTES - (size_t)client->messageBytes;
    memcpy(client->header + client->messageBytes, bytes, count < wanted ? count : wanted);
  }
  client->messageBytes += count;
}

static void endOfFrame(Load *load, Client *client, double receivedUs) {
  client->inPayload = false;
  if (client->opcode >= 8)
    endControl(load, client);
  else if (client->fin) {
    client->inMessage = false;
    endMessage(load, client, receivedUs);
  }
}

static size_t frameHeadBytes(const Client *client) {
  if (client->headBytes < 2) return 2;
  uint8_t length = client->head[1] & 0x7f;
  return length == 127 ? 10 : length == 126 ? 4 : 2;
}

static void consume(Load *load, Client *client, const uint8_t *bytes, size_t count, double receivedUs) {
  while (client->state == OPEN) {
    if (client->inPayload) {
      size_t taken = client->left < count ? (size_t)client->left : count;
      takePayload(client, bytes, taken);
      client->left -= taken;
      bytes += taken;
      count -= taken;
      if (client->left) return;
      endOfFrame(load, client, receivedUs);
      continue;
    }
    if (!count) return;
    client->head[client->headBytes++] = *bytes++;
    count--;
    if (client->headBytes == frameHeadBytes(client) && !beginFrame(client)) {
      load->counts.malformed++;
      disconnect(load, client);
    }
  }
}

/* ---- sockets ---------------------------------------------------------------------------------------------- */

static void finishHandshake(Load *load, int index, const uint8_t *bytes, size_t count, double receivedUs) {
  Client *client = &load->clients[index];
  size_t room = RESPONSE_BYTES - 1 - client->responseBytes;
  size_t taken = count < room ? count : room;
  memcpy(client->response + client->responseBytes, bytes, taken);
  size_t before = client->responseBytes;
  client->responseBytes += taken;
  client->response[client->responseBytes] = 0;
  char *end = strstr(client->response, "\r\n\r\n");
  if (!end) {
    if (client->responseBytes == RESPONSE_BYTES - 1) disconnect(load, client);
    return;
  }
  end[2] = 0; /* frames may follow: look for the accept in the head alone */
  if (strncmp(client->response, "HTTP/1.1 101", 12) || !strstr(client->response, ACCEPT)) {
    if (!load->failed) fprintf(stderr, "load-client: upgrade refused: %.60s\n", client->response);
    disconnect(load, client);
    return;
  }
  client->state = OPEN;
  load->inFlight--;
  size_t used = (size_t)(end + 4 - client->response) - before;
  if (client->stalled) {
    epoll_ctl(load->epoll, EPOLL_CTL_DEL, client->fd, NULL);
  }
  consume(load, client, bytes + used, count - used, receivedUs);
}

static void readSocket(Load *load, int index) {
  Client *client = &load->clients[index];
  ssize_t count = recv(client->fd, load->buffer, READ_BYTES, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    disconnect(load, client);
    return;
  }
  double receivedUs = nowUs(CLOCK_REALTIME);
  if (client->state == HANDSHAKING)
    finishHandshake(load, index, load->buffer, (size_t)count, receivedUs);
  else
    consume(load, client, load->buffer, (size_t)count, receivedUs);
}

/* Serves every socket until `untilUs` on the monotonic clock, or until all handshakes are settled if `connecting`. */
static void serve(Load *load, double untilUs, bool connecting) {
  struct epoll_event events[EVENTS];
  for (;;) {
    double leftUs = untilUs - nowUs(CLOCK_MONOTONIC);
    if (leftUs <= 0) return;
    if (connecting) {
      while (load->nextToConnect < load->clientCount && load->inFlight < CONNECTS_IN_FLIGHT) connectNext(load);
      if (load->nextToConnect == load->clientCount && load->inFlight == 0) return;
    }
    int ready = epoll_wait(load->epoll, events, EVENTS, (int)(leftUs / 1000) + 1);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    for (int i = 0; i < ready; i++) {
      int index = (int)events[i].data.u32;
      State state = load->clients[index].state;
      if (state == CLOSED) continue;
      if (state == CONNECTING)
        sendUpgrade(load, index);
      else
        readSocket(load, index);
    }
  }
}

/* Lets the stalled clients read again, and only them, to see how old the bytes are that waited for them. */
static void returnStalled(Load *load) {
  load->returning = true;
  load->returnUs = nowUs(CLOCK_REALTIME);
  for (int i = load->readerCount; i < load->clientCount; i++) {
    Client *client = &load->clients[i];
    if (client->state != OPEN) continue;
    watch(load, i, EPOLLIN, EPOLL_CTL_ADD);
  }
  for (int i = 0; i < load->readerCount; i++)
    if (load->clients[i].state == OPEN) epoll_ctl(load->epoll, EPOLL_CTL_DEL, load->clients[i].fd, NULL);
  serve(load, nowUs(CLOCK_MONOTONIC) + load->options.returnMs * 1e3, false);
}

static int countOpen(const Load *load, int from, int to) {
  int open = 0;
  for (int i = from; i < to; i++) {
    if (load->clients[i].state != OPEN) continue;
    struct pollfd entry = {.fd = load->clients[i].fd, .events = POLLRDHUP};
    if (poll(&entry, 1, 0) == 0) open++;
  }
  return open;
}

/* ---- main ------------------------------------------------------------------------------------------------- */

static Options parseOptions(int argc, char **argv) {
  static const struct option names[] = {
      {"port", required_argument, 0, 'p'},       {"path", required_argument, 0, 'u'},
      {"sessions", required_argument, 0, 's'},   {"clients", required_argument, 0, 'c'},
      {"stalled", required_argument, 0, 'x'},    {"rate", required_argument, 0, 'r'},
      {"warmup-ms", required_argument, 0, 'w'},  {"window-ms", required_argument, 0, 'm'},
      {"return-ms", required_argument, 0, 'b'},  {"connect-timeout-ms", required_argument, 0, 't'},
      {"headerless", no_argument, 0, 'h'},       {"trace", no_argument, 0, 'T'},
      {"server-pid", required_argument, 0, 'P'}, {0, 0, 0, 0}};
  Options o = {.path = "/ws/s{session}?header=soma",
               .sessions = 1,
               .clients = 1,
               .rateHz = 60,
               .warmupMs = 1000,
               .windowMs = 8000,
               .connectTimeoutMs = 20000};
  for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) switch (name) {
      case 'p':
        o.port = atoi(optarg);
        break;
      case 'u':
        o.path = optarg;
        break;
      case 's':
        o.sessions = atoi(optarg);
        break;
      case 'c':
        o.clients = atoi(optarg);
        break;
      case 'x':
        o.stalled = atoi(optarg);
        break;
      case 'r':
        o.rateHz = atof(optarg);
        break;
      case 'w':
        o.warmupMs = atoi(optarg);
        break;
      case 'm':
        o.windowMs = atoi(optarg);
        break;
      case 'b':
        o.returnMs = atoi(optarg);
        break;
      case 't':
        o.connectTimeoutMs = atoi(optarg);
        break;
      case 'h':
        o.headerless = true;
        break;
      case 'T':
        o.trace = true;
        break;
      case 'P':
        if (o.pidCount < MAX_PIDS) o.pids[o.pidCount++] = atoi(optarg);
        break;
      default:
        exit(2);
    }
  bool counts = o.sessions > 0 && o.sessions <= MAX_CLIENTS && o.clients > 0 && o.clients <= MAX_CLIENTS &&
                o.stalled >= 0 && o.stalled <= MAX_CLIENTS && o.sessions * (long)o.clients + o.stalled <= MAX_CLIENTS;
  if (o.port <= 0 || o.port > 65535 || !counts || o.windowMs <= 0 || o.rateHz <= 0 || strlen(o.path) > 256) {
    fprintf(stderr, "load-client: --port, --window-ms, --rate and at most %d clients are needed\n", MAX_CLIENTS);
    exit(2);
  }
  return o;
}

static void printResult(Load *load, double windowS, double serverS, double machineS, double clientS, uint64_t rss,
                        int stalledOpen) {
  Counts *counts = &load->counts;
  uint64_t fewest = UINT64_MAX, most = 0;
  for (int i = 0; i < load->readerCount; i++) {
    uint64_t messages = load->clients[i].messages;
    if (messages < fewest) fewest = messages;
    if (messages > most) most = messages;
  }
  uint64_t backlogMost = 0;
  for (int i = load->readerCount; i < load->clientCount; i++)
    if (load->clients[i].backlogFrames > backlogMost) backlogMost = load->clients[i].backlogFrames;
  if (counts->ageUs.count) qsort(counts->ageUs.values, counts->ageUs.count, sizeof(double), ascending);
  printf("{\"clients\":%d,\"failedConnects\":%d,\"windowS\":%.6f,", load->readerCount, load->failed, windowS);
  printf("\"messages\":%lu,\"bytes\":%lu,\"texts\":%lu,\"controls\":%lu,", counts->messages, counts->bytes,
         counts->texts, counts->controls);
  printf("\"lost\":%lu,\"reordered\":%lu,\"malformed\":%lu,\"disconnected\":%lu,\"lateTicks\":%lu,", counts->lost,
         counts->reordered, counts->malformed, counts->disconnected, counts->lateTicks);
  printf("\"fewestPerClient\":%lu,\"mostPerClient\":%lu,", fewest, most);
  printf("\"ageMinUs\":%.1f,\"ageP50Us\":%.1f,\"ageP99Us\":%.1f,\"ageMaxUs\":%.1f,", quantile(&counts->ageUs, 0),
         quantile(&counts->ageUs, 0.5), quantile(&counts->ageUs, 0.99), quantile(&counts->ageUs, 1));
  printf("\"serverCpuS\":%.3f,\"clientCpuS\":%.3f,\"machineBusyS\":%.3f,\"serverRssBytes\":%lu,", serverS, clientS,
         machineS, rss);
  printf("\"stalledOpen\":%d,\"backlogMostFrames\":%lu,\"freshAfterReturn\":%lu", stalledOpen, backlogMost,
         load->freshAfterReturn);
  if (load->options.trace) {
    printf(",\"trace\":[");
    for (size_t i = 0; i < load->trace.count; i += 3)
      printf("%s[%.0f,%.1f,%.1f]", i ? "," : "", load->trace.values[i], load->trace.values[i + 1],
             load->trace.values[i + 2]);
    printf("]");
  }
  printf("}\n");
}

int main(int argc, char **argv) {
  Load load = {.options = parseOptions(argc, argv)};
  const Options *options = &load.options;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  load.readerCount = options->sessions * options->clients;
  load.clientCount = load.readerCount + options->stalled;
  load.clients = calloc((size_t)load.clientCount, sizeof(Client));
  load.buffer = malloc(READ_BYTES);
  load.epoll = epoll_create1(EPOLL_CLOEXEC);
  if (!load.clients || !load.buffer || load.epoll < 0) fail("setup");
  for (int i = 0; i < load.clientCount; i++) {
    Client *client = &load.clients[i];
    client->session = (uint32_t)(i % options->sessions) + 1;
    client->timed = i < options->sessions;
    client->stalled = i >= load.readerCount;
  }
  serve(&load, nowUs(CLOCK_MONOTONIC) + options->connectTimeoutMs * 1e3, true);
  for (int i = 0; i < load.clientCount; i++) { /* whoever has not answered by now is given up */
    State state = load.clients[i].state;
    if (state == CONNECTING || state == HANDSHAKING)
      disconnect(&load, &load.clients[i]);
    else if (state == WAITING)
      load.failed++;
  }
  serve(&load, nowUs(CLOCK_MONOTONIC) + options->warmupMs * 1e3, false);

  load.measuring = true;
  double serverS = serverCpuS(options), machineS = machineBusyS(), clientS = ownCpuS();
  double startUs = nowUs(CLOCK_MONOTONIC);
  serve(&load, startUs + options->windowMs * 1e3, false);
  double windowS = (nowUs(CLOCK_MONOTONIC) - startUs) / 1e6;
  serverS = serverCpuS(options) - serverS;
  machineS = machineBusyS() - machineS;
  clientS = ownCpuS() - clientS;
  uint64_t rss = serverRssBytes(options);
  load.measuring = false;
  int stalledOpen = countOpen(&load, load.readerCount, load.clientCount);
  if (options->stalled && options->returnMs) returnStalled(&load);
  printResult(&load, windowS, serverS, machineS, clientS, rss, stalledOpen);
  for (int i = 0; i < load.clientCount; i++)
    if (load.clients[i].state == OPEN) close(load.clients[i].fd);
  close(load.epoll);
  free(load.counts.ageUs.values);
  free(load.trace.values);
  free(load.buffer);
  free(load.clients);
  return 0;
}
