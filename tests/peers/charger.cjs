// Batch script for npm's em-ocpp-chargepoint-simulator: a charger that boots, does what its CSMS tells it, and goes home
// after a DataTransfer. CSMS_URL ends with its identity. Tells where it is on stdout, one JSON object per line.
const NOW = "2026-03-01T12:00:00Z";
const BOOT = { chargePointVendor: "em", chargePointModel: "Batch", firmwareVersion: "0.0.4" };

module.exports = async function charger(connect) {
  const tell = (event) => console.log(JSON.stringify({ event }));
  const cp = await connect(process.env.CSMS_URL);
  let transactionId = null;
  let limit = "16";
  let connector = "Available";

  const answer = (request, payload) => cp.sendResponse(request.uniqueId, payload);
  const report = (connectorId, status) =>
    cp.sendStatusNotification({ connectorId, errorCode: "NoError", status, timestamp: NOW });
  const become = (status) => report(1, (connector = status));

  async function boot() {
    await cp.sendBootnotification(BOOT);
    await report(0, "Available");
    await report(1, connector);
    tell("booted");
  }

  async function charge(idTag) {
    await become("Preparing");
    await cp.sendAuthorize({ idTag });
    const started = await cp.startTransaction({ connectorId: 1, idTag, meterStart: 1200, timestamp: NOW });
    transactionId = started.transactionId;
    await become("Charging");
    const sampledValue = [{ value: "1250", measurand: "Energy.Active.Import.Register", unit: "Wh" }];
    await cp.meterValues({ connectorId: 1, transactionId, meterValue: [{ timestamp: NOW, sampledValue }] });
    tell("charging");
  }

  async function finish(reason) {
    await cp.stopTransaction({ transactionId, meterStop: 1300, timestamp: NOW, reason });
    await become("Finishing");
    await become("Available");
    tell("finished");
  }

  cp.onClose(() => tell("closed"));
  cp.answerGetConfiguration(async (request) => {
    const configurationKey = [{ key: "MaxCurrent", readonly: false, value: limit }];
    answer(request, { configurationKey, unknownKey: ["Colour"] });
  });
  cp.answerChangeConfiguration(async (request) => {
    limit = request.payload.value;
    answer(request, { status: "Accepted" });
  });
  cp.answerChangeAvailability(async (request) => {
    answer(request, { status: "Scheduled" });
  });
  cp.answerTriggerMessage("StatusNotification", async (request) => {
    answer(request, { status: "Accepted" });
    await report(1, connector);
    tell("triggered");
  });
  cp.answerRemoteStartTransaction(async (request) => {
    answer(request, { status: "Accepted" });
    await charge(request.payload.idTag);
  });
  cp.answerRemoteStopTransaction(async (request) => {
    answer(request, { status: "Accepted" });
    await finish("Remote");
  });
  cp.answerReset(async (request) => {
    answer(request, { status: "Accepted" });
    await cp.reConnect();
    await boot();
  });
  cp.answerDataTransfer(async (request) => {
    answer(request, { status: "Accepted" });
    cp.close();
  });

  await boot();
  await cp.sendHeartbeat();
  tell("ready");
};
