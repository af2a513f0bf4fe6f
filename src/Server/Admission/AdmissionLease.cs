namespace Relay.Admission;

/// <summary>
/// One slot in the ledger, leased from before a client's upgrade until its TCP connection is closed. A handle, not an
/// object, so that admitting allocates nothing: the ledger knows each lease by slot and generation, and giving a
/// copy back a second time finds another generation and does nothing.
/// </summary>
internal readonly record struct AdmissionLease(ConnectionLedger? Ledger, int Slot, uint Generation) : IDisposable
{
    public bool IsHeld => Ledger is not null;

    public void Dispose() => Ledger?.Release(this);
}
