/*
 * A long, thin and lossy line between two network namespaces of one machine.
 *
 *   wanlink NAMESPACE_A NAMESPACE_B DEVICE RTT_MS RATE_MBIT LOSS_PERCENT SEED
 *
 * Makes a TUN device of that name in each of the two and carries packets from one to the other. A packet first
 * waits its turn on a line of RATE_MBIT (0: without a limit), then for half of RTT_MS; LOSS_PERCENT of them are
 * dropped at random, and those that would have to wait longer than QUEUE_NS for the line. Prints "ready" when both
 * devices are there; addresses are the caller's affair. Runs until SIGTERM.
 *
 * The kernel's netem does the same, but is not in every kernel, and loses a whole burst of segments at a time
 * where a virtual interface hands them over in one piece.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST_PACKET = 1500, PLACES = 1 << 16, PACKETS_IN_TURN = 128 };
static const int64_t QUEUE_NS = 100 * 1000 * 1000;
static const int64_t FOREVER = INT64_MAX;

/* A packet on its way. */
struct packet {
  int64_t arrives; /* ns */
  uint16_t length;
  uint8_t bytes[LARGEST_PACKET];
};

/* One direction: a ring of packets, in the order in which they arrive. */
struct direction {
  int entrance, exit;
  struct packet *ring;
  uint32_t first, end;  /* counted up without wrapping; a place is the count modulo PLACES */
  int64_t line_free_at; /* when the line has carried all that it has taken, ns */
};

struct line {
  int64_t delay;      /* one way, ns */
  double ns_per_byte; /* 0: no limit */
  double loss;        /* a share, 0 to 1 */
};

static volatile sig_atomic_t is_over;

static void on_signal(int signal) {
  (void)signal;
  is_over = 1;
}

static void fail(const char *what) {
  fprintf(stderr, "wanlink: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* splitmix64, as a share from 0 to 1. */
static double draw(uint64_t *state) {
  uint64_t mixed = (*state += UINT64_C(0x9e3779b97f4a7c15));
  mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (double)((mixed ^ (mixed >> 31)) >> 11) / (double)(UINT64_C(1) << 53);
}

/* A TUN device in that namespace; this process stays in its own. */
static int open_device(const char *namespace, const char *name) {
  char path[128];
  snprintf(path, sizeof path, "/var/run/netns/%s", namespace);
  int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int away = open(path, O_RDONLY | O_CLOEXEC);
  if (home < 0 || away < 0 || setns(away, CLONE_NEWNET) != 0) fail(path);
  int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (device < 0 || ioctl(device, TUNSETIFF, &request) != 0) fail("/dev/net/tun");
  if (setns(home, CLONE_NEWNET) != 0) fail("setns");
  close(home);
  close(away);
  return device;
}

/* Takes what the system wants to send. */
static void take(struct direction *direction, const struct line *line, int64_t time, uint64_t *random) {
  for (int turn = 0; turn < PACKETS_IN_TURN && direction->end - direction->first < PLACES; turn += 1) {
    struct packet *packet = &direction->ring[direction->end % PLACES];
    ssize_t length = read(direction->entrance, packet->bytes, sizeof packet->bytes);
    if (length < 0 && errno != EAGAIN) fail("read");
    if (length <= 0) return;
    if (draw(random) < line->loss) continue;
    int64_t starts = direction->line_free_at > time ? direction->line_free_at : time;
    if (starts - time > QUEUE_NS) continue;
    direction->line_free_at = starts + (int64_t)((double)length * line->ns_per_byte);
    packet->arrives = direction->line_free_at + line->delay;
    packet->length = (uint16_t)length;
    direction->end += 1;
  }
}

/* Hands over what has arrived; returns when the next packet does. */
static int64_t deliver(struct direction *direction, int64_t time) {
  while (direction->first != direction->end) {
    const struct packet *packet = &direction->ring[direction->first % PLACES];
    if (packet->arrives > time) return packet->arrives;
    /* What the other side has no room for is lost, as on any network. */
    if (write(direction->exit, packet->bytes, packet->length) < 0 && errno != EAGAIN && errno != EIO) fail("write");
    direction->first += 1;
  }
  return FOREVER;
}

static void carry(struct direction directions[2], const struct line *line, uint64_t random) {
  while (!is_over) {
    int64_t next = FOREVER;
    struct pollfd entrances[2];
    for (int at = 0; at < 2; at += 1) {
      int64_t time = now();
      take(&directions[at], line, time, &random);
      int64_t arrives = deliver(&directions[at], time);
      if (arrives < next) next = arrives;
      bool is_full = directions[at].end - directions[at].first >= PLACES;
      entrances[at] = (struct pollfd){.fd = directions[at].entrance, .events = is_full ? 0 : POLLIN};
    }
    int64_t wait = next == FOREVER ? INT64_C(1000000000) : next - now();
    if (wait < 0) wait = 0;
    struct timespec timeout = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
    ppoll(entrances, 2, &timeout, NULL);
  }
}

int main(int count, char **words) {
  if (count != 8) {
    fprintf(stderr, "wanlink NAMESPACE_A NAMESPACE_B DEVICE RTT_MS RATE_MBIT LOSS_PERCENT SEED\n");
    return 2;
  }
  double rate = atof(words[5]);
  const struct line line = {
      .delay = (int64_t)(atof(words[4]) * 1e6 / 2),
      .ns_per_byte = rate > 0 ? 8000 / rate : 0,
      .loss = atof(words[6]) / 100,
  };
  int a = open_device(words[1], words[3]), b = open_device(words[2], words[3]);
  struct direction directions[2] = {{.entrance = a, .exit = b}, {.entrance = b, .exit = a}};
  for (int at = 0; at < 2; at += 1) {
    directions[at].ring = calloc(PLACES, sizeof(struct packet));
    if (directions[at].ring == NULL) fail("memory");
  }
  signal(SIGTERM, on_signal);
  /* It does not outlive whoever started it. */
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  puts("ready");
  fflush(stdout);
  carry(directions, &line, strtoull(words[7], NULL, 10));
  return 0;
}
