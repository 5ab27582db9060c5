// One line of fixed-point arithmetic: rounding and saturation must be those of the Xilinx headers.
#include <cstdio>

#include "ap_fixed.h"

int main() {
    ap_fixed<8, 2, AP_RND, AP_SAT> rounded = ap_fixed<16, 4>(0.7578125);
    ap_fixed<8, 2, AP_RND, AP_SAT> saturated = ap_fixed<16, 8>(100);
    std::printf("%s %s\n", rounded.to_string(10).c_str(), saturated.to_string(10).c_str());
    return rounded == ap_fixed<8, 2>(0.765625) && saturated == ap_fixed<8, 2>(1.984375) ? 0 : 1;
}
