// A core that is easy to predict, with faults to plant: lane i of beat b of a frame gives x - 3 b, one cycle later.
// The fault is read from a memory file, so that one build serves all tests; the codes are in stub.py.
module stub (
    input aclk,
    input aresetn,
    input [15:0] s_axis_tdata,
    input s_axis_tvalid,
    output s_axis_tready,
    input s_axis_tlast,
    output [31:0] m_axis_tdata,
    output m_axis_tvalid,
    input m_axis_tready,
    output m_axis_tlast,
    output reg frame_error
);
  reg [7:0] fault[0:0];
  initial $readmemh({`RTLNN_MEM_DIR, "fault.mem"}, fault);
  wire [7:0] f = fault[0];

  reg valid, last, bubble, hidden, again;
  reg [31:0] data;
  reg [2:0] beat;
  reg [7:0] frame, total;
  reg survivor;  // state that a reset in the middle of a frame leaves behind
  initial begin
    survivor = 0;
    beat = 0;
  end

  wire taken = m_axis_tvalid && m_axis_tready;
  wire room = !valid || taken;
  wire repeats = f == 6 && taken && last && frame == 3 && !again;
  wire accept = s_axis_tvalid && s_axis_tready;
  wire ends = beat == 7;
  wire [15:0] offset = 3 * beat + (f == 11 && survivor && beat == 2);

  assign s_axis_tready = aresetn && (room || f == 1) && !repeats && !bubble && !(f == 8 && total >= 20);
  assign m_axis_tvalid = valid && !hidden && (f != 7 || m_axis_tready);
  assign m_axis_tdata = data;
  assign m_axis_tlast = (last && !(f == 3 && frame == 2)) || (f == 9 && beat == 4);

  always @(posedge aclk) begin
    bubble <= f == 10 && accept && ends;
    hidden <= f == 5 && m_axis_tvalid && !m_axis_tready;
    if (f == 2 && valid && !m_axis_tready) data[0] <= !data[0];
    if (taken && !repeats) valid <= 0;
    if (repeats) again <= 1;
    if (accept) begin
      beat <= beat + 1;
      total <= total + (total != 255);
      frame <= frame + ends;
      if (s_axis_tlast != ends) frame_error <= 1;
      if (room) begin
        valid <= 1;
        last <= ends;
        data[15:0] <= s_axis_tdata[7:0] - offset;
        data[31:16] <= (s_axis_tdata[15:8] - offset) ^ (f == 4 && frame == 1 && beat == 5 ? 16'h40 : 16'h0);
      end
    end
    if (!aresetn) begin
      if (beat != 0) survivor <= 1;
      valid <= 0;
      last <= 0;
      bubble <= 0;
      hidden <= 0;
      again <= 0;
      beat <= 0;
      frame <= 0;
      total <= 0;
      frame_error <= 0;
    end
  end
endmodule
