/**
 * A Soma stream for .NET, Mono and Unity: receives on a thread of its own, comes back after a loss, counts lost frames, and hands out
 * the newest frame without allocating. This file only, C# 7.3.
 *
 *     var stream = new SomaStream("ws://127.0.0.1:8080/ws/demo?order=column");
 *     …
 *     SomaStream.Frame frame = stream.Latest();          // once per drawn frame, from one thread; null before the first
 *     …
 *     stream.Dispose();
 */
using System;
using System.Net.WebSockets;
using System.Threading;
using System.Threading.Tasks;

public sealed class SomaStream : IDisposable
{
    public const ushort Paused = 1, Discontinuity = 2;

    const int HeaderBytes = 32, LargestFrameBytes = HeaderBytes + 4096 * 64;
    const uint Magic = 0x414d4f53; // "SOMA"
    const byte Pose = 1;

    public sealed class Frame
    {
        public uint Epoch, Sequence;
        public ushort Flags;
        /// <summary>Unix time on the server's clock, microseconds.</summary>
        public double CaptureUs;
        /// <summary>Position in the clip, seconds.</summary>
        public float MediaTimeS;
        public int BoneCount;
        /// <summary>16 numbers per bone, in the order that the address asks for; longer than that where a frame was longer before.</summary>
        public float[] Matrices = new float[0];
        internal bool IsNew;
    }

    readonly Uri address;
    readonly CancellationTokenSource end = new CancellationTokenSource();
    // Three frames, as in the server: one is written, one is read, one changes hands.
    Frame writing = new Frame(), ready = new Frame(), reading = new Frame();
    long received, lost;

    public SomaStream(string url)
    {
        address = new Uri(url + (url.Contains("?") ? "&" : "?") + "header=soma");
        Task.Run(Run);
    }

    public long Received { get { return Interlocked.Read(ref received); } }

    /// <summary>Frames that were made while connected and did not arrive, by gaps in their numbers.</summary>
    public long Lost { get { return Interlocked.Read(ref lost); } }

    /// <summary>What ended the last connection; null while all is well.</summary>
    public volatile string Problem;

    /// <summary>The newest frame: the same one until there is a newer, and valid until the next call.</summary>
    public Frame Latest()
    {
        if (Volatile.Read(ref ready).IsNew)
        {
            reading.IsNew = false;
            reading = Interlocked.Exchange(ref ready, reading);
        }
        return reading.BoneCount == 0 ? null : reading;
    }

    public void Dispose() { end.Cancel(); }

    async Task Run()
    {
        int delayMs = 250;
        while (!end.IsCancellationRequested)
        {
            long before = Received;
            try { await Follow(); }
            catch (Exception error) { Problem = error.Message; }
            delayMs = Received > before ? 250 : Math.Min(2 * delayMs, 8000);
            try { await Task.Delay(delayMs, end.Token); }
            catch (OperationCanceledException) { return; }
        }
    }

    async Task Follow()
    {
        using (var socket = new ClientWebSocket())
        {
            await socket.ConnectAsync(address, end.Token);
            var bytes = new byte[LargestFrameBytes];
            bool isFirst = true;
            while (true)
            {
                int length = 0;
                WebSocketReceiveResult part;
                do
                {
                    if (length == bytes.Length) throw new InvalidOperationException("a message is larger than any frame");
                    part = await socket.ReceiveAsync(new ArraySegment<byte>(bytes, length, bytes.Length - length), end.Token);
                    length += part.Count;
                } while (!part.EndOfMessage);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    Problem = "closed with " + (int)(socket.CloseStatus ?? 0) + ": " + socket.CloseStatusDescription;
                    return;
                }
                if (part.MessageType != WebSocketMessageType.Binary || !Read(bytes, length, ref isFirst)) continue;
                Problem = null;
            }
        }
    }

    uint lastEpoch, lastSequence;

    bool Read(byte[] bytes, int length, ref bool isFirst)
    {
        if (length < HeaderBytes || BitConverter.ToUInt32(bytes, 0) != Magic || bytes[5] != Pose) return false;
        int payloadBytes = (int)BitConverter.ToUInt32(bytes, 24);
        if (payloadBytes != length - HeaderBytes) return false;
        Frame frame = writing;
        frame.Flags = BitConverter.ToUInt16(bytes, 6);
        frame.Epoch = BitConverter.ToUInt32(bytes, 8);
        frame.Sequence = BitConverter.ToUInt32(bytes, 12);
        frame.CaptureUs = BitConverter.ToDouble(bytes, 16);
        frame.MediaTimeS = BitConverter.ToSingle(bytes, 28);
        frame.BoneCount = payloadBytes / 64;
        if (frame.Matrices.Length < payloadBytes / 4) frame.Matrices = new float[payloadBytes / 4];
        Buffer.BlockCopy(bytes, HeaderBytes, frame.Matrices, 0, payloadBytes);
        if (!isFirst && frame.Epoch == lastEpoch) Interlocked.Add(ref lost, unchecked(frame.Sequence - lastSequence - 1));
        isFirst = false;
        lastEpoch = frame.Epoch;
        lastSequence = frame.Sequence;
        frame.IsNew = true;
        writing = Interlocked.Exchange(ref ready, frame);
        Interlocked.Increment(ref received);
        return true;
    }
}
